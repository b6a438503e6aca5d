"""The models that are run, and how: full size at small resolutions, and the same classes small, to try the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from models.full_size import FULL_SIZES, FullSize
from models.more_sizes import MORE_SIZES

BY_NAME = {size.name: size for size in (*FULL_SIZES, *MORE_SIZES)}
SD35_MEDIUM = {
    **BY_NAME["SD3.5 large"].config, "depth": 24, "num_blocks": 24, "num_patches": 147456, "pos_embed_max_size": 384,
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 1536}},
    "x_block_self_attn_layers": list(range(13)),
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """weights: type in the file."""

    size: FullSize
    weights: torch.dtype
    cfg: float = 1.0


FULL = (
    Subject(replace(BY_NAME["FLUX.1-dev"], latent=(16, 32, 32), words=(256,), steps=20, size="256 x 256"),
            torch.float8_e4m3fn),
    Subject(replace(BY_NAME["Wan 2.1 1.3B"], latent=(16, 2, 60, 104), steps=20, size="832 x 480, 5 frames"),
            torch.bfloat16),
    Subject(replace(BY_NAME["SD3.5 large"], name="SD3.5 medium", config=SD35_MEDIUM, latent=(16, 64, 64), steps=20,
                    size="512 x 512"), torch.bfloat16),
    Subject(replace(BY_NAME["Z-Image"], latent=(16, 32, 32), steps=20, size="256 x 256"), torch.bfloat16),
)


def _small(subject: Subject, latent: tuple[int, ...], words: int, **config: object) -> Subject:
    size = subject.size
    return replace(subject, size=replace(
        size, name=f"{size.name}, small", config={**size.config, **config}, latent=latent, steps=8,
        words=(words,) * len(size.words), context=int(config.get("context_in_dim", size.context)),
        pooled=size.pooled and int(config.get("vec_in_dim", size.pooled)), size="small"))


# No small Z-Image: ComfyUI knows that one by its width.
SMALL = (
    _small(FULL[0], (16, 8, 8), 7, hidden_size=128, num_heads=1, depth=2, depth_single_blocks=2, context_in_dim=48,
           vec_in_dim=64),
    _small(FULL[1], (16, 2, 8, 8), 7, dim=128, num_heads=1, ffn_dim=256, num_layers=3),
)
SIZES: Mapping[str, tuple[Subject, ...]] = {"full": FULL, "small": SMALL}
