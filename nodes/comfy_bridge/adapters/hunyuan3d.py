"""Hunyuan3D: shapes, as a set of tokens without a place."""

from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.blocks import ShadowedBlocks
from .flux import FluxAdapter
from .swapped_halves import SwappedHalvesAdapter


class Hunyuan3DAdapter(FluxAdapter):
    """Hunyuan3D 2.0 and its mini, in `comfy.ldm.hunyuan3d.model.Hunyuan3Dv2`: FLUX's blocks."""

    name = "Hunyuan3D 2.0"
    patch_size = (1, 1, 1)  # no patches


class Hunyuan3D21Adapter(SwappedHalvesAdapter):
    """`comfy.ldm.hunyuan3dv2_1.hunyuandit.HunYuanDiTPlain`: blocks with skip connections, time as the first token."""

    name = "Hunyuan3D 2.1"
    stream = "hidden_states"
    attention = "attn1"  # self-attention
    final = "final_layer"  # (x); it cuts off the time token
    patch_size = (1, 1, 1)  # no patches

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind."""
        return ShadowedBlocks(model.blocks, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x), in some blocks shifted by the time."""
        if not block.timested_modulate:
            return block.norm1(entry.tokens)
        shift = block.default_modulation(entry.args["conditioning"]).unsqueeze(1)
        return block.norm1(entry.tokens + shift.roll(-self.half(entry), dims=0))

    def image_tokens(self, entry: Entry) -> slice:
        """After the time token."""
        return slice(1, None)
