"""Ideogram 4: one stream, text first, then the image; one token a latent pixel."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Ideogram4Adapter(Adapter):
    """`comfy.ldm.ideogram4.model.Ideogram4Transformer2DModel`."""

    name = "Ideogram 4"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x)."""
        scale = 1.0 + block.adaln_modulation(entry.args["adaln_input"]).chunk(4, dim=-1)[0]
        return block.attention_norm1(entry.tokens) * scale

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attention

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, time)`, on the whole stream."""
        return model.final_layer

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches: its latents have them in their channels."""
        return (1, 1, 1)

    def image_tokens(self, entry: Entry) -> slice:
        """The last ones."""
        return slice(-entry.count, None)
