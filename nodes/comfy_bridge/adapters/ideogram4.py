"""Ideogram 4: one stream, text first, then the image; one token for each latent pixel."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Ideogram4Adapter(Adapter):
    """`comfy.ldm.ideogram4.model.Ideogram4Transformer2DModel`."""

    name = "Ideogram 4"
    stream = "x"
    attention = "attention"  # self-attention
    final = "final_layer"  # (x, time), on the whole stream
    patch_size = (1, 1, 1)  # no patches: the channels of its latents hold them
    image_is_last = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x)."""
        scale = 1.0 + block.adaln_modulation(entry.args["adaln_input"]).chunk(4, dim=-1)[0]
        return block.attention_norm1(entry.tokens) * scale
