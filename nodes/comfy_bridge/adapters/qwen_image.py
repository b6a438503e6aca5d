"""Qwen-Image: double stream blocks, image tokens first, reference tokens behind them."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class QwenImageAdapter(Adapter):
    """Qwen-Image, Edit and Layered, in `comfy.ldm.qwen_image.model.QwenImageTransformer2DModel`."""

    name = "Qwen-Image"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """Double blocks alone."""
        return ReplacedBlocks(double_block=len(model.transformer_blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.transformer_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        # References of method index_timestep_zero have rows of their own, behind those of the picture.
        rows = block.img_mod(entry.args["vec"])[: len(entry.stream)]
        shift, scale, _ = rows.chunk(2, dim=-1)[0].chunk(3, dim=-1)
        return torch.addcmul(shift.unsqueeze(1), block.img_norm1(entry.tokens), 1 + scale.unsqueeze(1))

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries of the image stream."""
        return block.attn.to_q

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_out(img, time)`."""
        return model.norm_out

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.proj_out
