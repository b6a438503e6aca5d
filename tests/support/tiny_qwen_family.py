"""Tiny Qwen-Image, with its Edit and Layered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from stand_ins import qwen_image21
from tiny_models import TinyModel

QWEN = {
    "image_model": "qwen_image", "in_channels": 64, "num_layers": 3, "attention_head_dim": 128,
    "num_attention_heads": 1, "joint_attention_dim": 48,
}  # fmt: skip
QWEN21 = {"image_model": "qwen_image21", "in_channels": 64, "num_layers": 3, "dim": 128, "heads": 2,
          "context_in_dim": 48}
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


def small_references(latent: Tensor) -> dict[str, object]:
    """Pictures to edit, for Qwen-Image 2.1."""
    generator = torch.Generator().manual_seed(3)
    return {"reference_latents": [torch.randn(1, 64, *size, generator=generator) for size in ((3, 4), (2, 5))]}


QWEN21_ROW = TinyModel("Qwen-Image 2.1, stand-in", "QwenImage", QWEN21, {(64, 4, 6): (1, 4, 6), (64, 3, 5): (1, 3, 5)},
                       ("transformer_blocks",), model=qwen_image21)

QWEN_ROWS = [
    qwen("Qwen-Image"),
    qwen("Qwen-Image-Edit", method="index"),
    qwen("Qwen-Image-Edit 2511", method="index_timestep_zero", default_ref_method="index_timestep_zero"),
    qwen("Qwen-Image-Edit, offset references", method="offset"),
    qwen("Qwen-Image-Layered", {(16, 3, 8, 12): (3, 4, 6), (16, 2, 7, 6): (2, 4, 3)}, method="negative_index",
         default_ref_method="negative_index", use_additional_t_cond=True),
    QWEN21_ROW,
    replace(QWEN21_ROW, name="Qwen-Image 2.1, stand-in, references", conditioning=small_references),
]  # fmt: skip
