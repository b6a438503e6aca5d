"""Hunyuan3D: shapes, as a set of tokens that lie nowhere."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.blocks import ShadowedBlocks
from .flux import FluxAdapter
from .swapped_halves import SwappedHalvesAdapter


class Hunyuan3DAdapter(FluxAdapter):
    """Hunyuan3D 2.0 and its mini, in `comfy.ldm.hunyuan3d.model.Hunyuan3Dv2`: FLUX's blocks."""

    name = "Hunyuan3D 2.0"

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches."""
        return (1, 1, 1)


class Hunyuan3D21Adapter(SwappedHalvesAdapter):
    """`comfy.ldm.hunyuan3dv2_1.hunyuandit.HunYuanDiTPlain`: blocks with skip connections, time as the first token."""

    name = "Hunyuan3D 2.1"
    stream = "hidden_states"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind."""
        return ShadowedBlocks(model.blocks, passed=self.stream)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x), which time may have shifted."""
        if not block.timested_modulate:
            return block.norm1(entry.tokens)
        shift = block.default_modulation(entry.args["conditioning"]).unsqueeze(1)
        return block.norm1(entry.tokens + shift.roll(-self.half(entry), dims=0))

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn1

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x)`, which cuts off time."""
        return model.final_layer

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches."""
        return (1, 1, 1)

    def image_tokens(self, entry: Entry) -> slice:
        """Behind time."""
        return slice(1, None)
