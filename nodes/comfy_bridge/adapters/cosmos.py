"""Cosmos 1: one stream, in the shape of the video, its batch axis after the places."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks
from ..seam.layout import Whole


class CosmosAdapter(Adapter):
    """`comfy.ldm.cosmos.model.GeneralDIT`; positions are added before every block, at almost no cost."""

    name = "Cosmos 1"
    stream = "x"
    final = "final_layer"  # (x, time)

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.blocks.values(), returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        part = block.blocks[0]
        rows = part.adaLN_modulation(entry.args["emb_B_D"])
        if part.use_adaln_lora:
            rows = rows + entry.args["adaln_lora_B_3D"]
        shift, scale, _ = rows.unsqueeze(1).chunk(3, dim=-1)
        return part.norm_state(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.blocks[0].block

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return (model.patch_temporal, model.patch_spatial, model.patch_spatial)

    def tokens(self, whole: Whole, entry: Entry) -> Tensor:
        """[T, H, W, B, D] in the blocks."""
        return whole.movedim(3, 0).flatten(1, 3) if whole.ndim == 5 else super().tokens(whole, entry)

    def like(self, tokens: Tensor, whole: Whole, entry: Entry) -> Whole:
        """The way back."""
        if whole.ndim == 5:
            return tokens.unflatten(1, whole.shape[:3]).movedim(0, 3).to(whole.dtype)
        return super().like(tokens, whole, entry)
