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
    attention = "attn"  # self-attention
    final = "final_layer"  # (x, time, ...), on the whole stream; it gives tokens of video and sound

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift, with a row for each kind of token."""
        shift, scale = block.adaln_proj(entry.args["t_emb"])[:2]
        normed = block.norm1(entry.stream)
        for start, end, row in entry.args["mod_segments"]:
            normed[:, start:end] *= 1.0 + scale[row].to(normed.dtype)
            normed[:, start:end] += shift[row].to(normed.dtype)
        return normed[:, entry.image]

    def image_tokens(self, entry: Entry) -> Tensor:
        """The video's tokens, then the sound's; in the stream the sound stands before the video."""
        total, video = entry.stream.shape[1], entry.grid[0] * entry.grid[1] * entry.grid[2]
        places = torch.arange(total, device=entry.stream.device)
        return torch.cat([places[total - video :], places[total - entry.count : total - video]])

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """Only one block: otherwise the weights of skipped blocks would still be loaded."""
        return [Shadow(model, "blocks", [model.blocks[0]])]
