"""Krea 2: one stream, text first, then the image, then references."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Krea2Adapter(Adapter):
    """`comfy.ldm.krea2.model.SingleStreamDiT`."""

    name = "Krea 2"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        # References of method index_timestep_zero have rows of their own, behind those of the picture.
        scale, shift = (row[: len(entry.stream)] for row in block.mod(entry.args["vec"])[:2])
        return (1 + scale) * block.prenorm(entry.tokens) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`last(x, time)`, on the whole stream."""
        return model.last

    def patch(self, model: nn.Module) -> Sequence[int]:
        """One picture at a time."""
        return (1, model.patch, model.patch)

    def image_tokens(self, entry: Entry) -> slice:
        """Behind the text."""
        places = entry.args["transformer_options"].get("img_slice")
        # ComfyUI did not tell before there were references; then the image came last.
        text = places[0] if places else entry.stream.shape[1] - entry.count
        return slice(text, text + entry.count)
