"""PixelDiT: double stream blocks on patches, then blocks on pixels; PiD, which paints a latent with it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks
from ..seam.shadow import Method, Shadow


class PixelDiTAdapter(Adapter):
    """`comfy.ldm.pixeldit.model.PixDiT_T2I`; its two blocks on pixels run on every step."""

    name = "PixelDiT"
    stream = "x"
    output_is_picture = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """Those on patches; there is no hook for them."""
        return ShadowedBlocks(model.patch_blocks, lambda args: (args["x"], args["y"]))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.patch_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = block.adaLN_modulation_img(entry.args["c"]).chunk(6, dim=-1)[:2]
        normed = block.norm_x1(entry.tokens)
        return torch.addcmul(normed, normed, scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Attention of both streams; the image's is its first argument."""
        return block.attn

    def final_layer(self, model: nn.Module) -> list[Method]:
        """The blocks on pixels, `block(pixels, stream)`; time was added, which is then part of what is forecast."""
        return [Method(block, "forward", position=1) for block in model.pixel_blocks]

    def output_layer(self, model: nn.Module) -> Method:
        """The whole of it."""
        return Method(model, "_forward")


class PiDAdapter(PixelDiTAdapter):
    """`comfy.ldm.pixeldit.pid.PidNet`: the latent that is painted is mixed in before some blocks."""

    name = "PiD"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """It is mixed in before block 0 alone."""
        mix = model._pre_patch_block
        return [Shadow(model, "_pre_patch_block", lambda s, i, **kwargs: mix(s, i, **kwargs) if i == 0 else s)]
