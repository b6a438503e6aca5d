"""Cosmos Predict2 and Anima: one stream, in the shape of the video."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class CosmosPredict2Adapter(Adapter):
    """Cosmos Predict2 and Anima, in `comfy.ldm.cosmos.predict2.MiniTrainDIT`."""

    name = "Cosmos Predict2"
    stream = "x_B_T_H_W_D"
    attention = "self_attn"
    final = "final_layer"  # (x, time)

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift, with one row for each frame."""
        video, time, offset = (entry.args[name] for name in (self.stream, "emb_B_T_D", "extra_per_block_pos_emb"))
        rows = block.adaln_modulation_self_attn(time)
        if block.use_adaln_lora:
            rows = rows + entry.args["adaln_lora_B_T_3D"]
        shift, scale, _ = rows[:, :, None, None].chunk(3, dim=-1)
        video = video if offset is None else video + offset
        # A half precision model keeps its stream in full precision.
        return (block.layer_norm_self_attn(video) * (1 + scale) + shift).to(time.dtype).flatten(1, 3)

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return (model.patch_temporal, model.patch_spatial, model.patch_spatial)
