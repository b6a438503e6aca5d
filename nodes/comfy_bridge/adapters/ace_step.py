"""ACE-Step 1 and 1.5: music, as one stream of moments."""

from collections.abc import Sequence

from comfy.model_management import cast_to
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class AceStepAdapter(Adapter):
    """`comfy.ldm.ace.model.ACEStepTransformer2DModel`; it reads the lyrics anew on every step."""

    name = "ACE-Step"
    stream = "hidden_states"
    output_is_picture = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.transformer_blocks, passed=self.stream)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.transformer_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        time = entry.args["temb"].reshape(entry.batch, 6, -1)
        shift, scale = (cast_to(block.scale_shift_table[None], time.dtype, time.device) + time).chunk(6, dim=1)[:2]
        return block.norm1(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Linear attention."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, time, length)`, which makes the latent too."""
        return model.final_layer

    def patch(self, model: nn.Module) -> Sequence[int]:
        """All frequencies of a moment."""
        return (1, *model.patch_size)


class AceStep15Adapter(AceStepAdapter):
    """`comfy.ldm.ace.ace_step15.AceStepConditionGenerationModel`; what reads the text runs on every step."""

    name = "ACE-Step 1.5"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.decoder.layers, passed=self.stream)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.decoder.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift."""
        time = entry.args["temb"]
        shift, scale = (cast_to(block.scale_shift_table, time.dtype, time.device) + time).chunk(6, dim=1)[:2]
        return block.self_attn_norm(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.self_attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_out(x)`."""
        return model.decoder.norm_out

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The convolution behind it."""
        return model.decoder.proj_out

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Two moments, as a rule."""
        return (1, 1, model.decoder.patch_size)
