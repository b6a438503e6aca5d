"""Stable Audio: one stream of moments; time and other conditions may stand before them."""

from collections.abc import Sequence

from comfy.ops import cast_to_input
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class StableAudioAdapter(Adapter):
    """Stable Audio Open and 3, in `comfy.ldm.audio.dit.AudioDiffusionTransformer`."""

    name = "Stable Audio"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind; their hook would lose what is added for inpainting."""
        return ShadowedBlocks(model.transformer.layers, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.transformer.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * Norm(x) + shift in Stable Audio 3, else Norm(x)."""
        normed, time = block.pre_norm(entry.tokens), entry.args["global_cond"]
        if not block.has_global_cond or time is None:
            return normed
        own = block.to_scale_shift_gate
        rows = cast_to_input(own, time) + time if block.global_cond_shared_embed else own(time)
        scale, shift = rows.unsqueeze(1).chunk(6, dim=-1)[:2]
        return normed * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.self_attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`project_out(x)`; memory is cut off before it."""
        return model.transformer.project_out

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Some moments."""
        return (1, 1, model.patch_size)

    def image_tokens(self, entry: Entry) -> slice:
        """The last ones."""
        return slice(-entry.count, None)
