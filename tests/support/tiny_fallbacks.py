"""Tiny models that TAP reaches by input and output only: no transformers, and lists of points with a camera."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from stand_in_kandinsky6 import Kandinsky6Base
from tiny_models import TinyModel

UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 32, "num_res_blocks": [1, 1],
    "channel_mult": [1, 2], "transformer_depth": [1, 1], "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1, "context_dim": 48, "num_heads": -1, "num_head_channels": 32,
    "use_linear_in_transformer": False, "adm_in_channels": None, "use_temporal_attention": False,
    "use_spatial_transformer": True, "legacy": False,
}  # fmt: skip
XL = {**UNET, "use_linear_in_transformer": True, "adm_in_channels": 2816, "num_classes": "sequential"}
VIDEO_UNET = {
    **XL, "in_channels": 8, "adm_in_channels": 768, "use_temporal_attention": True, "use_temporal_resblock": True,
    "video_kernel_size": [3, 1, 1], "extra_ff_mix_layer": True, "merge_strategy": "learned_with_images",
}  # fmt: skip
CASCADE_C = {
    "stable_cascade_stage": "c", "c_cond": 64, "c_hidden": [64, 64], "nhead": [1, 1], "blocks": [[1, 1], [1, 1]],
    "c_clip_text": 48, "c_clip_text_pooled": 64,
}  # fmt: skip
CASCADE_B = {
    "stable_cascade_stage": "b", "c_cond": 64, "c_hidden": [32, 64], "nhead": [-1, 1], "blocks": [[1, 1], [1, 1]],
    "block_repeat": [[1, 1], [1, 1]], "level_config": ["CT", "CTA"], "c_clip": 64,
}  # fmt: skip
SPLAT = {
    "image_model": "triposplat", "q_token_length": 24, "model_channels": 64, "num_head_channels": 64, "num_blocks": 2,
    "num_refiner_blocks": 1, "cond_channels": 48, "cond2_channels": 16,
}  # fmt: skip

KANDINSKY6 = {
    "image_model": "kandinsky6", "channels": 16, "sound_channels": 8, "dim": 64, "num_visual_blocks": 3,
    "context_in_dim": 48,
}  # fmt: skip


def first_frame(latent: Tensor) -> dict[str, object]:
    """A picture to move."""
    generator = torch.Generator().manual_seed(4)
    return {"concat_latent_image": torch.randn(1, *latent.shape[1:], generator=generator)}


SD15 = TinyModel("Stable Diffusion 1.5", "SD15", UNET, {(4, 8, 12): (1, 4, 6), (4, 8, 10): (1, 4, 5)}, ())

FALLBACK_ROWS = [
    SD15,
    replace(SD15, name="Stable Diffusion 2.1, v-prediction", kind="SD20"),
    replace(SD15, name="Stable Diffusion XL", kind="SDXL", config=XL, pooled=1280),
    replace(SD15, name="Stable Video Diffusion", kind="SVD_img2vid", config=VIDEO_UNET, conditioning=first_frame),
    TinyModel("Stable Cascade, stage C", "Stable_Cascade_C", CASCADE_C,
              {(16, 8, 12): (1, 4, 6), (16, 6, 8): (1, 3, 4)}, (), pooled=64),
    TinyModel("Stable Cascade, stage B", "Stable_Cascade_B", CASCADE_B,
              {(4, 16, 24): (1, 8, 12), (4, 20, 16): (1, 10, 8)}, (), pooled=64),
    # The model has a place for each of these points. Its latent has points before channels.
    TinyModel("TripoSplat", "TripoSplat", SPLAT, {(24, 16): (1, 1, 8)}, (), sound=(1, 5)),
    TinyModel("Kandinsky 6, stand-in", "Kandinsky5", KANDINSKY6,
              {(16, 3, 8, 12): (3, 4, 6), (16, 2, 7, 9): (2, 4, 5)}, ("visual_blocks",), sound=(5, 8),
              model=Kandinsky6Base),
]  # fmt: skip
