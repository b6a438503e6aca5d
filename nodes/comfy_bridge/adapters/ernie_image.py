"""ERNIE-Image: one stream, the image's tokens first; one modulation for all blocks."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class ErnieImageAdapter(Adapter):
    """`comfy.ldm.ernie.model.ErnieImageModel`."""

    name = "ERNIE-Image"
    stream = "x"
    attention = "self_attention.to_q"  # queries
    final = "final_norm"  # (x, time), on the whole stream
    output = "final_linear"  # the projection after it

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = entry.args["temb"][:2]
        return block.adaLN_sa_ln(entry.tokens) * (1 + scale) + shift
