"""Qwen-Image 2.1: one stream, text with references between its words, then the image."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class QwenImage21Adapter(Adapter):
    """`comfy.ldm.qwen_image21.model.QwenImage21Transformer2DModel`, which came after ComfyUI 0.30.0.

    Its cache of the text's keys and values stands aside where blocks are reached, and is not touched.
    """

    name = "Qwen-Image 2.1"
    attention = "attn"  # self-attention
    final = "norm_out"  # (x, time), on the image's tokens only
    output = "proj_out"  # the projection after it
    patch_size = (1, 1, 1)  # no patches: the channels of its latents hold them
    image_is_last = True

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(single_block=model.transformer_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x)."""
        # Modulation is shared by all blocks: one row for text and references, then one for each image.
        _, scale = entry.args["mod"][0]
        return block.img_norm1(entry.tokens) * (1 + scale)
