"""A stand-in for Kandinsky 6, see stand_ins.py."""

from __future__ import annotations

import comfy.conds
import torch
from comfy.ldm.common_dit import pad_to_patch_size
from comfy.ldm.flux.layers import timestep_embedding
from comfy.model_base import BaseModel, ModelType
from einops import rearrange
from torch import Tensor, nn

from stand_ins import standing_for

PATCHES = "b c t (h p) (w q)", "b (t h w) (c p q)"


class FusedBlock(nn.Module):
    """A stream of video and one of sound, which see each other."""

    def __init__(self, dim: int, operations: type, **place: object) -> None:
        super().__init__()
        self.video, self.sound = (operations.Linear(2 * dim, dim, **place) for _ in range(2))

    def forward(self, visual: Tensor, audio: Tensor, ctx_v: Tensor, ctx_a: Tensor, tev: Tensor, tea: Tensor,
                rope_v: Tensor | None, rope_a: Tensor | None, transformer_options: dict) -> tuple[Tensor, Tensor]:
        """[B, N, D] and [B, M, D]."""
        seen, heard = ((stream * time[:, None]).mean(1, True) + context.mean(1, True)
                       for stream, time, context in ((visual, tev, ctx_v), (audio, tea, ctx_a)))
        return (visual + self.video(torch.cat([visual.tanh(), heard.expand_as(visual)], dim=-1)),
                audio + self.sound(torch.cat([audio.tanh(), seen.expand_as(audio)], dim=-1)))


@standing_for("kandinsky6.model")
class Kandinsky6NativeAVDiT(nn.Module):
    """Video [B, C, T, H, W] and sound [B, T, C], packed; no layer meets both after the blocks."""

    def __init__(self, channels: int, sound_channels: int, dim: int, num_visual_blocks: int, context_in_dim: int,
                 image_model: str = "", operations: type | None = None, **place: object) -> None:
        super().__init__()
        self.dtype, self.patch_size = place["dtype"], (1, 2, 2)
        self.visual_embeddings = operations.Linear(4 * channels, dim, **place)
        self.audio_embeddings = operations.Linear(sound_channels, dim, **place)
        self.text_in = operations.Linear(context_in_dim, dim, **place)
        self.time_in = operations.Linear(256, dim, **place)
        self.visual_blocks = nn.ModuleList([FusedBlock(dim, operations, **place) for _ in range(num_visual_blocks)])
        self.out_layer = operations.Linear(dim, 4 * channels, **place)
        self.audio_outLayer = operations.Linear(dim, sound_channels, **place)

    def forward(self, x: list[Tensor], timestep: Tensor, context: Tensor, transformer_options: dict, **other: object
                ) -> tuple[Tensor, Tensor]:
        """Both again."""
        video, sound = x
        whole = pad_to_patch_size(video, self.patch_size)
        frames, rows, columns = whole.shape[2], whole.shape[3] // 2, whole.shape[4] // 2
        visual = self.visual_embeddings(rearrange(whole, " -> ".join(PATCHES), p=2, q=2))
        audio = self.audio_embeddings(sound)
        time = self.time_in(timestep_embedding(timestep, 256).to(video.dtype))
        context = self.text_in(context)
        for block in self.visual_blocks:
            visual, audio = block(visual, audio, context, context, time, time, None, None,
                                  transformer_options=transformer_options)
        made = rearrange(self.out_layer(visual), " -> ".join(PATCHES[::-1]), t=frames, h=rows, w=columns, p=2, q=2)
        return made[..., :video.shape[3], :video.shape[4]], self.audio_outLayer(audio)


class Kandinsky6Base(BaseModel):
    """Tells the model how its latents are packed."""

    def __init__(self, config: object) -> None:
        super().__init__(config, ModelType.FLOW, unet_model=Kandinsky6NativeAVDiT)

    def extra_conds(self, **kwargs: object) -> dict[str, object]:
        """With the text and the shapes."""
        return {**super().extra_conds(**kwargs), "c_crossattn": comfy.conds.CONDRegular(kwargs["cross_attn"]),
                "latent_shapes": comfy.conds.CONDConstant(kwargs["latent_shapes"])}
