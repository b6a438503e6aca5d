"""MiniMax H3: one stream without a batch: text, conditions, then sound, then the video."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks
from ..seam.shadow import Shadow


class MiniMaxAdapter(Adapter):
    """`comfy.ldm.minimax.model.MiniMaxH3Model`, which makes one video at a time."""

    name = "MiniMax H3"
    side_patch = (1, 1, 1)

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=len(model.blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift, with a row for each kind of token."""
        shift, scale = block.adaln_proj(entry.args["t_emb"])[:2]
        normed = block.norm1(entry.stream)
        for start, end, row in entry.args["mod_segments"]:
            normed[:, start:end] *= 1.0 + scale[row].to(normed.dtype)
            normed[:, start:end] += shift[row].to(normed.dtype)
        return normed[:, entry.image]

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, time, ...)`, on the whole stream; it gives the video's tokens and the sound's."""
        return model.final_layer

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.patch_size

    def image_tokens(self, entry: Entry) -> Tensor:
        """The video's, then the sound's, which stand before them."""
        total, video = entry.stream.shape[1], entry.grid[0] * entry.grid[1] * entry.grid[2]
        places = torch.arange(total, device=entry.stream.device)
        return torch.cat([places[total - video :], places[total - entry.count : total - video]])

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """One block alone: weights of blocks that are passed over would be fetched all the same."""
        return [Shadow(model, "blocks", [self.first_block(model)])]
