"""Krea 2: one stream, text first, then the image, then references."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Krea2Adapter(Adapter):
    """`comfy.ldm.krea2.model.SingleStreamDiT`."""

    name = "Krea 2"
    stream = "x"
    attention = "attn"  # self-attention
    final = "last"  # (x, time), on the whole stream
    only_for_blocks = ("txtfusion", "txtmlp")

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        # References of method index_timestep_zero have rows of their own, after those of the picture.
        scale, shift = (row[: len(entry.stream)] for row in block.mod(entry.args["vec"])[:2])
        return (1 + scale) * block.prenorm(entry.tokens) + shift

    def patch(self, model: nn.Module) -> Sequence[int]:
        """One frame."""
        return (1, model.patch, model.patch)

    def image_tokens(self, entry: Entry) -> slice:
        """After the text."""
        places = entry.args["transformer_options"].get("img_slice")
        # Older versions of ComfyUI have no references and no such entry; there the image is last.
        text = places[0] if places else entry.stream.shape[1] - entry.count
        return slice(text, text + entry.count)
