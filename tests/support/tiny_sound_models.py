"""Tiny models of music and sound: their tokens are moments in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from comfy.ldm.audio.embedders import NumberConditioner
from comfy.model_base import BaseModel
from torch import Tensor, nn

from tiny_models import TinyModel, fill

STABLE_AUDIO = {
    "audio_model": "dit1.0", "io_channels": 64, "embed_dim": 128, "num_heads": 2, "depth": 3, "cond_token_dim": 768,
    "global_cond_dim": 1536, "timestep_features_type": "learned", "project_cond_tokens": True,
}  # fmt: skip
STABLE_AUDIO_3 = {
    "audio_model": "dit1.0", "io_channels": 256, "embed_dim": 128, "num_heads": 2, "depth": 3, "cond_token_dim": 768,
    "global_cond_dim": 768, "timestep_features_type": "expo", "global_cond_type": "adaLN", "project_cond_tokens": True,
    "global_cond_shared_embed": True, "num_memory_tokens": 3, "local_add_cond_dim": 257, "norm_type": "rms_norm",
    "attn_kwargs": {"qk_norm": "rms", "differential": False},
}  # fmt: skip
ACE = {
    "audio_model": "ace", "num_layers": 3, "attention_head_dim": 64, "num_attention_heads": 1,
    "text_embedding_dim": 48, "ssl_latent_dims": [32, 32], "lyric_encoder_vocab_size": 50, "lyric_hidden_size": 32,
    "max_position": 64, "max_width": 64,
}  # fmt: skip
ACE15 = {
    "audio_model": "ace1.5", "hidden_size": 128, "text_hidden_dim": 48, "num_dit_layers": 3, "num_lyric_layers": 1,
    "num_timbre_layers": 1, "num_tokenizer_layers": 1, "num_heads": 1, "num_kv_heads": 1, "head_dim": 128,
    "intermediate_size": 256, "sliding_window": 4, "fsq_dim": 64, "fsq_levels": [3, 3], "encoder_hidden_size": 64,
    "encoder_intermediate_size": 128, "encoder_num_heads": 1,
}  # fmt: skip


class PlainLyrics(nn.Module):
    """Replaces the reader of the lyrics, which is large with every configuration and not needed here."""

    def forward(self, lyrics: Tensor, mask: Tensor, **kwargs: object) -> tuple[Tensor, Tensor]:
        """Returns the lyrics unchanged."""
        return lyrics, mask


def with_plain_lyrics(config: object) -> BaseModel:
    """ACE-Step without its reader."""
    model = config.get_model({}, "")
    model.diffusion_model.lyric_encoder = PlainLyrics()
    return model


def with_clocks(kind: str) -> Callable[[object], BaseModel]:
    """Stable Audio; its file also has the part that reads the length in seconds."""

    def model(config: object) -> BaseModel:
        clock = NumberConditioner(768, 0, 512, fourier_features_type=kind) if kind == "expo" else NumberConditioner(768)
        fill(clock)
        names = ("seconds_start", "seconds_total")
        weights = {f"conditioner.conditioners.{name}.{key}": value
                   for name in names for key, value in clock.state_dict().items()}  # fmt: skip
        return config.get_model(weights, "")

    return model


def lyrics(latent: Tensor) -> dict[str, object]:
    """ACE-Step: syllables."""
    return {"conditioning_lyrics": torch.arange(5)[None] + 3}


def read_lyrics(latent: Tensor) -> dict[str, object]:
    """ACE-Step 1.5: lyrics that a language model has read."""
    return {"conditioning_lyrics": torch.randn(1, 5, 48, generator=torch.Generator().manual_seed(4))}


def sung_like(latent: Tensor) -> dict[str, object]:
    """The same, and a reference song."""
    song = torch.randn(1, 64, latent.shape[-1], generator=torch.Generator().manual_seed(4))
    return {**read_lyrics(latent), "reference_audio_timbre_latents": [song]}


OPEN = TinyModel("Stable Audio Open", "StableAudio", STABLE_AUDIO, {(64, 24): (1, 1, 24), (64, 17): (1, 1, 17)},
                 ("transformer.layers",), context=768, model=with_clocks("learned"))  # fmt: skip
SONG = TinyModel("ACE-Step 1.5", "ACEStep15", ACE15, {(64, 24): (1, 1, 12), (64, 15): (1, 1, 8)}, ("decoder.layers",),
                 conditioning=read_lyrics)  # fmt: skip

SOUND_ROWS = [
    OPEN,
    replace(OPEN, name="Stable Audio 3", kind="StableAudio3", config=STABLE_AUDIO_3, model=with_clocks("expo"),
            sizes={(256, 24): (1, 1, 24), (256, 17): (1, 1, 17)}),
    TinyModel("ACE-Step", "ACEStep", ACE, {(8, 16, 24): (1, 1, 24), (8, 16, 17): (1, 1, 17)}, ("transformer_blocks",),
              conditioning=lyrics, model=with_plain_lyrics),
    SONG,
    replace(SONG, name="ACE-Step 1.5, reference", conditioning=sung_like),
]  # fmt: skip
