"""HiDream-O1: a language model; text first, then the image in patches of pixels, then references."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import Arguments, ShadowedBlocks
from ..seam.shadow import Shadow


class HiDreamO1Adapter(Adapter):
    """`comfy.ldm.hidream_o1.model.HiDreamO1Transformer`, which keeps what its blocks made of the text in a cache.

    Its hook for blocks turns that cache off, so the blocks are reached without.
    """

    name = "HiDream-O1"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind."""
        return ShadowedBlocks(model.language_model.layers, passed_with_nothing_kept)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.language_model.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x); time is a token of the text."""
        return block.input_layernorm(entry.tokens)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.self_attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm(x)`, on the whole stream."""
        return model.language_model.norm

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it, of the image's tokens alone."""
        return model.final_layer2

    def image_tokens(self, entry: Entry) -> slice:
        """Before the references; of the text, the cache may have taken some."""
        references = entry.conditions.get("ref_patches")
        end = entry.stream.shape[1] - (0 if references is None else references.shape[1])
        return slice(end - entry.count, end)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """What a skipped call would put into the cache is forgotten with it."""
        return [Shadow(model, "_kv_cache_entries", list(model._kv_cache_entries))]


def passed_with_nothing_kept(args: Arguments) -> tuple[Tensor, tuple[Tensor, Tensor, int]]:
    """What a block gives back: the stream, and keys and values, of which there are none."""
    nothing = args["x"].new_empty(1, 1, 0, 1)
    return args["x"], (nothing, nothing, 0)
