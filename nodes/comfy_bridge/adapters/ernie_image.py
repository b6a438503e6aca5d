"""ERNIE-Image: one stream, the image's tokens first; one modulation for all blocks."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class ErnieImageAdapter(Adapter):
    """`comfy.ldm.ernie.model.ErnieImageModel`."""

    name = "ERNIE-Image"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = entry.args["temb"][:2]
        return block.adaLN_sa_ln(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries."""
        return block.self_attention.to_q

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_norm(x, time)`, on the whole stream."""
        return model.final_norm

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.final_linear
