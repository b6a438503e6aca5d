"""PixelDiT: double stream blocks on patches, then blocks on pixels; PiD, which decodes a latent with it."""

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
    attention = "attn"  # attention of both streams; the image's is its first argument

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """The blocks on patches, and no hook for them."""
        return ShadowedBlocks(model.patch_blocks, lambda args: (args["x"], args["y"]))

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = block.adaLN_modulation_img(entry.args["c"]).chunk(6, dim=-1)[:2]
        normed = block.norm_x1(entry.tokens)
        return torch.addcmul(normed, normed, scale) + shift

    def final_layer(self, model: nn.Module) -> list[Method]:
        """The blocks on pixels, `block(pixels, stream)`; the stream has the time added, so the time is forecast too."""
        return [Method(block, "forward", position=1) for block in model.pixel_blocks]

    def output_layer(self, model: nn.Module) -> Method:
        """The whole forward."""
        return Method(model, "_forward")


class PiDAdapter(PixelDiTAdapter):
    """`comfy.ldm.pixeldit.pid.PidNet`: the latent to decode is mixed in before some blocks."""

    name = "PiD"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """The latent is mixed in only before block 0."""
        mix = model._pre_patch_block
        return [Shadow(model, "_pre_patch_block", lambda s, i, **kwargs: mix(s, i, **kwargs) if i == 0 else s)]
