"""JoyImage: double stream blocks, reference pictures after the image."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class JoyImageAdapter(Adapter):
    """`comfy.ldm.joyimage.model.JoyImageTransformer3DModel`."""

    name = "JoyImage"
    attention = "attn"  # attention of both streams; the image's is its first argument
    final = "norm_out"  # (img); references are cut off before it
    output = "proj_out"  # the projection after it

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.double_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) * (1 + scale) + shift."""
        shift, scale = block.img_mod(entry.args["vec"])[:2]
        return block.img_norm1(entry.tokens) * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)
