"""HunyuanVideo, its image-to-video, 1.5, and HunyuanImage 2.1, tiny. They take only whole patches."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tiny_models import TinyModel

HUNYUAN = {
    "image_model": "hunyuan_video", "in_channels": 16, "out_channels": 16, "patch_size": [1, 2, 2], "vec_in_dim": 768,
    "context_in_dim": 48, "hidden_size": 128, "mlp_ratio": 4.0, "num_heads": 1, "depth": 2, "depth_single_blocks": 2,
    "axes_dim": [16, 56, 56], "theta": 256, "qkv_bias": True, "guidance_embed": True, "byt5": False,
    "meanflow": False, "use_cond_type_embedding": False, "vision_in_dim": None, "meanflow_sum": False,
}  # fmt: skip
VIDEO15 = {
    **HUNYUAN, "in_channels": 65, "out_channels": 32, "patch_size": [1, 1, 1], "vec_in_dim": None, "byt5": True,
    "guidance_embed": False, "use_cond_type_embedding": True, "vision_in_dim": 1152, "meanflow_sum": True,
}  # fmt: skip
IMAGE21 = {
    **HUNYUAN, "in_channels": 64, "out_channels": 64, "patch_size": [1, 1], "vec_in_dim": None, "axes_dim": [64, 64],
    "byt5": True, "meanflow": True,
}  # fmt: skip
REFINER = {**HUNYUAN, "in_channels": 128, "out_channels": 64, "patch_size": [1, 1, 1], "vec_in_dim": None,
           "meanflow": True}  # fmt: skip


def random_values(**shapes: tuple[int, ...]) -> dict[str, Tensor]:
    """Tensors of random values."""
    generator = torch.Generator().manual_seed(4)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def first_frame(latent: Tensor) -> dict[str, object]:
    """Image-to-video, version 2: the first frame is given, with its own time."""
    return {"guiding_frame_index": 0, "concat_latent_image": latent}


def reference(latent: Tensor) -> dict[str, object]:
    """Image-to-video, version 1: a reference frame."""
    return random_values(ref_latent=(1, 16, 1, *latent.shape[-2:]))


def glyphs(latent: Tensor) -> dict[str, object]:
    """Text that the picture shows."""
    return random_values(conditioning_byt5small=(1, 3, 1472))


T2V = TinyModel(
    "HunyuanVideo", "HunyuanVideo", HUNYUAN, {(16, 3, 8, 12): (3, 4, 6), (16, 2, 6, 4): (2, 3, 2)},
    ("double_blocks", "single_blocks"), pooled=768,
)  # fmt: skip
HUNYUAN_ROWS = [
    T2V,
    replace(T2V, name="HunyuanVideo, image to video", kind="HunyuanVideoI2V", config={**HUNYUAN, "in_channels": 33},
            conditioning=first_frame, lone=True),
    replace(T2V, name="HunyuanVideo, reference frame", conditioning=reference, lone=True),
    replace(T2V, name="HunyuanVideo, SkyReels", kind="HunyuanVideoSkyreelsI2V", config={**HUNYUAN, "in_channels": 32}),
    replace(T2V, name="HunyuanVideo 1.5", kind="HunyuanVideo15", config=VIDEO15, conditioning=glyphs,
            sizes={(32, 2, 4, 5): (2, 4, 5), (32, 1, 3, 4): (1, 3, 4)}),
    replace(T2V, name="HunyuanImage 2.1", kind="HunyuanImage21", config=IMAGE21, pooled=None, conditioning=glyphs,
            sizes={(64, 4, 5): (1, 4, 5), (64, 3, 3): (1, 3, 3)}),
    replace(T2V, name="HunyuanImage 2.1 refiner", kind="HunyuanImage21Refiner", config=REFINER, pooled=None,
            sizes={(64, 1, 4, 5): (1, 4, 5), (64, 1, 3, 3): (1, 3, 3)}),
]  # fmt: skip
