"""CogVideoX: video and text as two streams with one attention, the text's tokens first."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class CogVideoXAdapter(Adapter):
    """`comfy.ldm.cogvideo.model.CogVideoXTransformer3DModel`."""

    name = "CogVideoX"
    stream = "hidden_states"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, lambda args: (args["hidden_states"], args["encoder_hidden_states"]))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) * (1 + scale) + shift, which is what its norm gives."""
        return block.norm1(entry.tokens, entry.args["encoder_hidden_states"], entry.args["temb"])[0]

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries of text and video."""
        return block.q

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_final(x)`."""
        return model.norm_final

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.proj_out

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return (model.patch_size_t or 1, model.patch_size, model.patch_size)

    def image_tokens(self, entry: Entry) -> slice:
        """All of the stream, the last ones of the attention."""
        return slice(-entry.count, None)
