"""Stable Audio: one stream of moments in time; timestep and other conditions may stand before them."""

from collections.abc import Sequence

from comfy.ops import cast_to_input
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class StableAudioAdapter(Adapter):
    """Stable Audio Open and 3, in `comfy.ldm.audio.dit.AudioDiffusionTransformer`."""

    name = "Stable Audio"
    stream = "x"
    attention = "self_attn"
    final = "transformer.project_out"  # (x); memory tokens are cut off before it
    image_is_last = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind; their hook would lose what is added for inpainting."""
        return ShadowedBlocks(model.transformer.layers, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * Norm(x) + shift in Stable Audio 3, else Norm(x)."""
        normed, time = block.pre_norm(entry.tokens), entry.args["global_cond"]
        if not block.has_global_cond or time is None:
            return normed
        own = block.to_scale_shift_gate
        rows = cast_to_input(own, time) + time if block.global_cond_shared_embed else own(time)
        scale, shift = rows.unsqueeze(1).chunk(6, dim=-1)[:2]
        return normed * (1 + scale) + shift

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Several moments."""
        return (1, 1, model.patch_size)
