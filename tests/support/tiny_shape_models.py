"""Tiny models of 3D shapes: their tokens have no place in a picture."""

from __future__ import annotations

from dataclasses import replace

from tiny_models import TinyModel

HUNYUAN3D = {
    "image_model": "hunyuan3d2", "in_channels": 64, "context_in_dim": 48, "hidden_size": 128, "num_heads": 2,
    "depth": 2, "depth_single_blocks": 2, "guidance_embed": False,
}  # fmt: skip
HUNYUAN3D_21 = {
    "image_model": "hunyuan3d2_1", "in_channels": 64, "context_dim": 48, "hidden_size": 128, "num_heads": 2,
    "depth": 5, "num_moe_layers": 1, "num_experts": 2, "moe_top_k": 1, "guidance_cond_proj_dim": None,
}  # fmt: skip
SETS = {(64, 24): (1, 1, 24), (64, 17): (1, 1, 17)}
SHAPE = TinyModel("Hunyuan3D 2.0", "Hunyuan3Dv2", HUNYUAN3D, SETS, ("double_blocks", "single_blocks"))

SHAPE_ROWS = [
    SHAPE,
    replace(SHAPE, name="Hunyuan3D 2.0 mini, turbo", kind="Hunyuan3Dv2mini",
            config={**HUNYUAN3D, "depth": 8, "guidance_embed": True}),
    TinyModel("Hunyuan3D 2.1", "Hunyuan3Dv2_1", HUNYUAN3D_21, SETS, ("blocks",)),
]  # fmt: skip
