"""Kandinsky 5, video and image: one stream of visual tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Kandinsky5Adapter(Adapter):
    """`comfy.ldm.kandinsky5.model.Kandinsky5`; its text blocks run on every step."""

    name = "Kandinsky 5"
    stream = "visual_embed"
    output_is_picture = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind; their hook can pass them over but not run them."""
        return ShadowedBlocks(model.visual_transformer_blocks, passed=self.stream)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.visual_transformer_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        rows = block.visual_modulation(entry.args["time_embed"]).unsqueeze(1)
        shift, scale, _ = rows.chunk(3, dim=-1)[0].chunk(3, dim=-1)
        return torch.addcmul(shift, block.self_attention_norm(entry.tokens), scale + 1.0)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.self_attention

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`out_layer(x, time)`, which makes the video too."""
        return model.out_layer

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.patch_size
