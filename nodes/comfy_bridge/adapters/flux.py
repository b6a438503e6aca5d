"""FLUX: double and single stream blocks, image tokens first, reference tokens after them."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class FluxAdapter(Adapter):
    """FLUX.1 (dev, schnell, Fill, Kontext), FLUX.2 and LongCat-Image, all in `comfy.ldm.flux.model.Flux`."""

    name = "FLUX"
    attention = "img_attn.qkv"  # queries, keys and values of the image stream
    final = "final_layer"  # (img, vec); text tokens are cut off before it
    cuts = {"pe": (2,), "attn_mask": (-2, -1)}
    only_for_blocks = ("pe_embedder", "txt_norm", "txt_in")

    def name_of(self, model: nn.Module) -> str:
        """FLUX.2 is another model in FLUX.1's class: what was measured on FLUX.1 says nothing of it."""
        second = getattr(getattr(model, "params", None), "global_modulation", False)
        return "FLUX.2" if second else self.name

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """Double blocks, then single blocks."""
        return ReplacedBlocks(double_block=model.double_blocks, single_block=model.single_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        modulation = image_modulation(block, entry.args["vec"])
        shift, scale, normed = modulation.shift[:, :1], 1 + modulation.scale[:, :1], block.img_norm1(entry.tokens)
        if modulation.shift.shape[1] == 1:
            return torch.addcmul(shift, normed, scale)
        # With references of method index_timestep_zero there is a second row, and the model rounds twice.
        return normed * scale + shift


def image_modulation(block: nn.Module, vec: Tensor | tuple) -> object:
    """Shift, scale and gate of the image stream's attention; FLUX.2 and Chroma compute them once for all blocks."""
    return block.img_mod(vec)[0] if block.modulation else vec[0][0]
