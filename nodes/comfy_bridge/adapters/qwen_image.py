"""Qwen-Image, Mage-Flow and Lens: double stream blocks, image tokens first, reference tokens after them."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class QwenImageAdapter(Adapter):
    """Qwen-Image, Edit and Layered, in `comfy.ldm.qwen_image.model.QwenImageTransformer2DModel`."""

    name = "Qwen-Image"
    attention = "attn.to_q"  # queries of the image stream
    final = "norm_out"  # (img, time)
    output = "proj_out"  # the projection after it
    cuts = {"pe": (2,)}
    only_for_blocks = ("pe_embedder", "txt_norm", "txt_in")

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.transformer_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        # References of method index_timestep_zero have rows of their own, after those of the picture.
        rows = block.img_mod(entry.args["vec"])[: len(entry.stream)]
        shift, scale, _ = rows.chunk(2, dim=-1)[0].chunk(3, dim=-1)
        return torch.addcmul(shift.unsqueeze(1), block.img_norm1(entry.tokens), 1 + scale.unsqueeze(1))


class MageFlowAdapter(QwenImageAdapter):
    """`comfy.ldm.mage_flow.model.MageFlowTransformer2DModel`: Qwen-Image's blocks, one token for each latent pixel."""

    name = "Mage-Flow"
    patch_size = (1, 1, 1)  # no patches


class LensAdapter(QwenImageAdapter):
    """`comfy.ldm.lens.model.LensTransformer2DModel`, one token for each latent pixel."""

    name = "Lens"
    attention = "attn.img_qkv"  # queries, keys and values of the image stream
    patch_size = (1, 1, 1)  # no patches: the channels of its latents hold them

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * (1 + scale) + shift."""
        shift, scale = block.img_mod(entry.args["vec"]).unsqueeze(1).chunk(6, dim=-1)[:2]
        return block.img_norm1(entry.tokens) * (1 + scale) + shift
