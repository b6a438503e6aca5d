"""Models without an adapter, tiny: UNets and sounds, by their input and output."""

from __future__ import annotations

from dataclasses import replace

from tiny_models import TinyModel

UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 32, "num_res_blocks": [1, 1],
    "channel_mult": [1, 2], "transformer_depth": [1, 1], "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1, "context_dim": 48, "num_heads": -1, "num_head_channels": 32,
    "use_linear_in_transformer": False, "adm_in_channels": None, "use_temporal_attention": False,
    "use_spatial_transformer": True, "legacy": False,
}  # fmt: skip
XL = {**UNET, "use_linear_in_transformer": True, "adm_in_channels": 2816, "num_classes": "sequential"}
SD15 = TinyModel("Stable Diffusion 1.5", "SD15", UNET, {(4, 8, 12): (1, 4, 6), (4, 8, 10): (1, 4, 5)}, ())

FALLBACK_ROWS = [
    SD15,
    replace(SD15, name="Stable Diffusion 2.1, v-prediction", kind="SD20"),
    replace(SD15, name="Stable Diffusion XL", kind="SDXL", config=XL, pooled=1280),
]
