"""PixArt Alpha and Sigma: one stream of image tokens."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class PixArtAdapter(Adapter):
    """`comfy.ldm.pixart.pixartms.PixArtMS`."""

    name = "PixArt"
    stream = "x"
    attention = "attn"  # self-attention
    final = "final_layer"  # (x, t)

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        time = entry.args["t"].reshape(len(entry.stream), 6, -1)
        shift, scale = (block.scale_shift_table[None].to(entry.stream) + time).chunk(6, dim=1)[:2]
        return block.norm1(entry.tokens) * (1 + scale) + shift
