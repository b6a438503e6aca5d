"""Tiny Qwen-Image, with its Edit and Layered."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tiny_models import TinyModel

QWEN = {
    "image_model": "qwen_image", "in_channels": 64, "num_layers": 3, "attention_head_dim": 128,
    "num_attention_heads": 1, "joint_attention_dim": 48,
}  # fmt: skip
TWO_SIZES = {(16, 1, 8, 12): (1, 4, 6), (16, 1, 7, 9): (1, 4, 5)}


def references(method: str | None = None) -> Callable[[Tensor], dict[str, object]]:
    """Pictures to edit, in the prompt."""

    def conditioning(latent: Tensor) -> dict[str, object]:
        generator = torch.Generator().manual_seed(3)
        pictures = [torch.randn(1, 16, 1, *size, generator=generator) for size in ((6, 8), (5, 4))]
        return {"reference_latents": pictures, **({"reference_latents_method": method} if method else {})}

    return conditioning


def qwen(name: str, sizes: dict = TWO_SIZES, method: str | None = None, **config: object) -> TinyModel:
    """One row; without a method there are no references."""
    edit = {"conditioning": references(method)} if method else {}
    return TinyModel(name, "QwenImage", {**QWEN, **config}, sizes, ("transformer_blocks",), **edit)


QWEN_ROWS = [
    qwen("Qwen-Image"),
    qwen("Qwen-Image-Edit", method="index"),
    qwen("Qwen-Image-Edit 2511", method="index_timestep_zero", default_ref_method="index_timestep_zero"),
    qwen("Qwen-Image-Edit, offset references", method="offset"),
    qwen("Qwen-Image-Layered", {(16, 3, 8, 12): (3, 4, 6), (16, 2, 7, 6): (2, 4, 3)}, method="negative_index",
         default_ref_method="negative_index", use_additional_t_cond=True),
]  # fmt: skip
