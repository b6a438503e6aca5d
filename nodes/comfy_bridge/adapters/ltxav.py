"""LTX-2: a stream of video and one of sound, with attention between them in every block."""

from collections.abc import Sequence

import torch
from comfy.ldm.common_dit import rms_norm
from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.layout import joined
from ..seam.shadow import Method, Shadow
from .ltxv import LTXVAdapter


class LTXAVAdapter(LTXVAdapter):
    """`comfy.ldm.lightricks.av_model.LTXAVModel`: tokens of the video, then those of the sound."""

    name = "LTX-2"
    output = ""
    output_is_picture = True
    only_for_blocks = (*LTXVAdapter.only_for_blocks, "audio_caption_projection")
    side_patch = (1, 1, 16)  # all frequencies of a moment

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift, by the block's own tables for each stream."""
        tables = ((block.scale_shift_table, "v_timestep"), (block.audio_scale_shift_table, "a_timestep"))
        parts = []
        for stream, (table, time) in zip(entry.args[self.stream], tables, strict=True):
            shift, scale = block.get_ada_values(table, entry.batch, entry.args[time], slice(0, 2))
            parts.append(rms_norm(stream) * (1 + scale) + shift)
        return joined(parts)[:, entry.image]

    def attention_input(self, block: nn.Module) -> list[nn.Module]:
        """Self-attention of each stream."""
        return [block.attn1, block.audio_attn1]

    def final_layer(self, model: nn.Module) -> Method:
        """`_process_output([video, sound], times)`; it makes both latents too."""
        return Method(model, "_process_output")

    def image_tokens(self, entry: Entry) -> slice | Tensor:
        """The video's tokens and the last tokens of the sound; a voice to speak with stands before the sound."""
        video, total = entry.grid[0] * entry.grid[1] * entry.grid[2], entry.stream.shape[1]
        if entry.args[self.stream][0].shape[1] != video:
            return slice(0, 0)
        if total == entry.count:
            return slice(0, total)
        places = torch.arange(total, device=entry.stream.device)
        return torch.cat([places[:video], places[total - entry.count + video :]])

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """Only one block: otherwise the weights of skipped blocks would still be loaded."""
        return [Shadow(model, "transformer_blocks", [model.transformer_blocks[0]])]
