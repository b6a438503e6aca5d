"""PixArt Alpha and Sigma: one stream of image tokens."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class PixArtAdapter(Adapter):
    """`comfy.ldm.pixart.pixartms.PixArtMS`."""

    name = "PixArt"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        time = entry.args["t"].reshape(len(entry.stream), 6, -1)
        shift, scale = (block.scale_shift_table[None].to(entry.stream) + time).chunk(6, dim=1)[:2]
        return block.norm1(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, t)`."""
        return model.final_layer
