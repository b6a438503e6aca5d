"""CogVideoX: video and text as two streams with one attention, the text's tokens first."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class CogVideoXAdapter(Adapter):
    """`comfy.ldm.cogvideo.model.CogVideoXTransformer3DModel`."""

    name = "CogVideoX"
    stream = "hidden_states"
    attention = "q"  # queries of text and video
    final = "norm_final"  # (x)
    output = "proj_out"  # the projection after it
    image_is_last = True  # all of the stream, the last of the attention's

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, lambda args: (args["hidden_states"], args["encoder_hidden_states"]))

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) * (1 + scale) + shift: the norm gives this."""
        return block.norm1(entry.tokens, entry.args["encoder_hidden_states"], entry.args["temb"])[0]

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return (model.patch_size_t or 1, model.patch_size, model.patch_size)
