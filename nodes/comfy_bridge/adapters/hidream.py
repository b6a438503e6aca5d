"""HiDream-I1: double stream blocks, then single stream blocks with the image's tokens first."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import Arguments, ShadowedBlocks


class HiDreamAdapter(Adapter):
    """HiDream-I1 and E1, in `comfy.ldm.hidream.model.HiDreamImageTransformer2DModel`."""

    name = "HiDream-I1"
    stream = "image_tokens"
    attention = "block.attn1"  # attention of both streams; the image's tokens come first
    final = "final_layer"  # (img, time); text tokens are cut off before it
    only_for_blocks = ("caption_projection", "pe_embedder")

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """Two kinds, and no hook for them."""
        return ShadowedBlocks([*model.double_stream_blocks, *model.single_stream_blocks], skipped_result)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        shift, scale = block.block.adaLN_modulation(entry.args["adaln_input"])[:, None].chunk(12, dim=-1)[:2]
        return block.block.norm1_i(entry.tokens).to(entry.stream.dtype) * (1 + scale) + shift

    def image_tokens(self, entry: Entry) -> slice | Tensor:
        """All, or the left part of each row: a picture to edit (E1) stands on the right."""
        _, rows, columns = entry.grid
        places = torch.arange(entry.stream.shape[1], device=entry.stream.device)
        return slice(0, entry.count) if len(places) == entry.count else places.view(rows, -1)[:, :columns].flatten()


def skipped_result(args: Arguments) -> Tensor | tuple[Tensor, Tensor]:
    """What a skipped block returns: both streams, or the only one."""
    image, text = args["image_tokens"], args["text_tokens"]
    return image if text is None else (image, text)
