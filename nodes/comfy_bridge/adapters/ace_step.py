"""ACE-Step 1 and 1.5: music, as one stream of moments in time."""

from collections.abc import Sequence

from comfy.model_management import cast_to
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class AceStepAdapter(Adapter):
    """`comfy.ldm.ace.model.ACEStepTransformer2DModel`; it reads the lyrics again on every step."""

    name = "ACE-Step"
    stream = "hidden_states"
    output_is_picture = True
    attention = "attn"  # linear attention
    final = "final_layer"  # (x, time, length); it makes the latent too

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.transformer_blocks, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        time = entry.args["temb"].reshape(entry.batch, 6, -1)
        shift, scale = (cast_to(block.scale_shift_table[None], time.dtype, time.device) + time).chunk(6, dim=1)[:2]
        return block.norm1(entry.tokens) * (1 + scale) + shift

    def patch(self, model: nn.Module) -> Sequence[int]:
        """All frequencies of a moment."""
        return (1, *model.patch_size)


class AceStep15Adapter(AceStepAdapter):
    """`comfy.ldm.ace.ace_step15.AceStepConditionGenerationModel`; the part that reads the text runs on every step."""

    name = "ACE-Step 1.5"
    attention = "self_attn"
    final = "decoder.norm_out"  # (x)
    output = "decoder.proj_out"  # the convolution after it

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.decoder.layers, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        time = entry.args["temb"]
        shift, scale = (cast_to(block.scale_shift_table, time.dtype, time.device) + time).chunk(6, dim=1)[:2]
        return block.self_attn_norm(entry.tokens) * (1 + scale) + shift

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Usually two moments."""
        return (1, 1, model.decoder.patch_size)
