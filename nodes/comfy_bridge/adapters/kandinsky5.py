"""Kandinsky 5, video and image: one stream of visual tokens."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class Kandinsky5Adapter(Adapter):
    """`comfy.ldm.kandinsky5.model.Kandinsky5`; its text blocks run on every step."""

    name = "Kandinsky 5"
    stream = "visual_embed"
    output_is_picture = True
    attention = "self_attention"
    final = "out_layer"  # (x, time); it makes the video too

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind; their hook can skip them but not run them."""
        return ShadowedBlocks(model.visual_transformer_blocks, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        rows = block.visual_modulation(entry.args["time_embed"]).unsqueeze(1)
        shift, scale, _ = rows.chunk(3, dim=-1)[0].chunk(3, dim=-1)
        return torch.addcmul(shift, block.self_attention_norm(entry.tokens), scale + 1.0)
