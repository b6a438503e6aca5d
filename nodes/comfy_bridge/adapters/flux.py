"""FLUX: double and single stream blocks, image tokens first, reference tokens behind them."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class FluxAdapter(Adapter):
    """FLUX.1 (dev, schnell, Fill, Kontext), FLUX.2 and LongCat-Image, all in `comfy.ldm.flux.model.Flux`."""

    name = "FLUX"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """Double blocks, then single blocks."""
        return ReplacedBlocks(double_block=len(model.double_blocks), single_block=len(model.single_blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first double block."""
        return model.double_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        modulation = image_modulation(block, entry.args["vec"])
        shift, scale, normed = modulation.shift[:, :1], 1 + modulation.scale[:, :1], block.img_norm1(entry.tokens)
        if modulation.shift.shape[1] == 1:
            return torch.addcmul(shift, normed, scale)
        # References of method index_timestep_zero have a second row, and make two roundings of one.
        return normed * scale + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries, keys and values of the image stream."""
        return block.img_attn.qkv

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(img, vec)`; text tokens are cut off before it."""
        return model.final_layer


def image_modulation(block: nn.Module, vec: Tensor | tuple) -> object:
    """Shift, scale and gate of the image stream's attention; FLUX.2 and Chroma make them for all blocks at once."""
    return block.img_mod(vec)[0] if block.modulation else vec[0][0]
