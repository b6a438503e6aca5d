"""Boogu: double stream blocks with references before the image, then OmniGen 2's single ones."""

from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.blocks import Arguments, ShadowedBlocks
from .omnigen2 import OmniGen2Adapter


class BooguAdapter(OmniGen2Adapter):
    """`comfy.ldm.boogu.model.BooguTransformer2DModel`; its refiners run on every step."""

    name = "Boogu"
    stream = "img_hidden_states"
    last_stream = "hidden_states"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """Two kinds, and no hook for them."""
        return ShadowedBlocks([*model.double_stream_layers, *model.single_stream_layers], passed_streams)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first double block."""
        return model.double_stream_layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x), which is what its norm gives."""
        return block.img_norm1(entry.tokens, entry.args["temb"])[0]

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries of the image stream."""
        return block.img_instruct_attn.processor.img_to_q


def passed_streams(args: Arguments) -> Tensor | tuple[Tensor, Tensor]:
    """What a block gives back: both streams, or the one."""
    if "hidden_states" in args:
        return args["hidden_states"]
    return args["img_hidden_states"], args["instruct_hidden_states"]
