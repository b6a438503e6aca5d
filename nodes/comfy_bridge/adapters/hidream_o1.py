"""HiDream-O1: a language model; text first, then the image in patches of pixels, then references."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import Arguments, ShadowedBlocks
from ..seam.shadow import Shadow


class HiDreamO1Adapter(Adapter):
    """`comfy.ldm.hidream_o1.model.HiDreamO1Transformer`, which caches what its blocks computed from the text.

    Its hook for blocks turns that cache off, so TAP does not use the hook.
    """

    name = "HiDream-O1"
    stream = "x"
    attention = "self_attn"
    final = "language_model.norm"  # (x), on the whole stream
    output = "final_layer2"  # the projection after it, of the image's tokens only

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind."""
        return ShadowedBlocks(model.language_model.layers, skipped_result)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x); the time is one of the text tokens."""
        return block.input_layernorm(entry.tokens)

    def image_tokens(self, entry: Entry) -> slice:
        """Before the references; a part of the text may be in the cache instead."""
        references = entry.conditions.get("ref_patches")
        end = entry.stream.shape[1] - (0 if references is None else references.shape[1])
        return slice(end - entry.count, end)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """What a skipped call would put into the cache is dropped after the call."""
        return [Shadow(model, "_kv_cache_entries", list(model._kv_cache_entries))]


def skipped_result(args: Arguments) -> tuple[Tensor, tuple[Tensor, Tensor, int]]:
    """What a skipped block returns: the stream, and no keys and values."""
    nothing = args["x"].new_empty(1, 1, 0, 1)
    return args["x"], (nothing, nothing, 0)
