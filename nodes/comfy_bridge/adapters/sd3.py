"""Stable Diffusion 3 and 3.5: double stream blocks."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class SD3Adapter(Adapter):
    """`comfy.ldm.modules.diffusionmodules.mmdit.MMDiT`."""

    name = "Stable Diffusion 3"
    attention = "x_block.attn.qkv"  # queries, keys and values of the image stream
    final = "final_layer"  # (img, vec)
    cuts: ClassVar = {}  # a token's place is in the stream itself
    only_for_blocks = ("context_processor", "context_embedder")

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.joint_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift; in 3.5 medium it is the input of the joint attention."""
        block = block.x_block
        shift, scale = block.adaLN_modulation(entry.args["vec"]).chunk(9 if block.x_block_self_attn else 6, dim=1)[:2]
        return torch.addcmul(shift.unsqueeze(1), block.norm1(entry.tokens), 1 + scale.unsqueeze(1))
