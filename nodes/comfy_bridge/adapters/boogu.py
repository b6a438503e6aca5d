"""Boogu: double stream blocks with references before the image, then OmniGen 2's single stream blocks."""

from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.blocks import Arguments, ShadowedBlocks
from .omnigen2 import OmniGen2Adapter


class BooguAdapter(OmniGen2Adapter):
    """`comfy.ldm.boogu.model.BooguTransformer2DModel`; its refiners run on every step."""

    name = "Boogu"
    stream = "img_hidden_states"
    last_stream = "hidden_states"
    attention = "img_instruct_attn.processor.img_to_q"  # queries of the image stream

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """Two kinds, and no hook for them."""
        return ShadowedBlocks([*model.double_stream_layers, *model.single_stream_layers], skipped_result)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x): the norm gives this."""
        return block.img_norm1(entry.tokens, entry.args["temb"])[0]


def skipped_result(args: Arguments) -> Tensor | tuple[Tensor, Tensor]:
    """What a skipped block returns: both streams, or the only one."""
    if "hidden_states" in args:
        return args["hidden_states"]
    return args["img_hidden_states"], args["instruct_hidden_states"]
