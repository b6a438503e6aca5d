"""Models of two streams whose blocks are alike: JoyImage and Lens."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks
from .qwen_image import QwenImageAdapter


class MageFlowAdapter(QwenImageAdapter):
    """`comfy.ldm.mage_flow.model.MageFlowTransformer2DModel`: Qwen-Image's blocks on single latent pixels."""

    name = "Mage-Flow"

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches."""
        return (1, 1, 1)


class LensAdapter(QwenImageAdapter):
    """`comfy.ldm.lens.model.LensTransformer2DModel`, on single latent pixels."""

    name = "Lens"

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = block.img_mod(entry.args["vec"]).unsqueeze(1).chunk(6, dim=-1)[:2]
        return block.img_norm1(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries, keys and values of the image stream."""
        return block.attn.img_qkv

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches: its latents have them in their channels."""
        return (1, 1, 1)


class JoyImageAdapter(Adapter):
    """`comfy.ldm.joyimage.model.JoyImageTransformer3DModel`; reference pictures stand behind the image."""

    name = "JoyImage"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=len(model.double_blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.double_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) * (1 + scale) + shift."""
        shift, scale = block.img_mod(entry.args["vec"])[:2]
        return block.img_norm1(entry.tokens) * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Attention of both streams; the image's is its first argument."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_out(img)`; references are cut off before it."""
        return model.norm_out

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.proj_out

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.patch_size
