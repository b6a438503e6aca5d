"""FLUX.1, FLUX.2, LongCat-Image, Chroma and Chroma Radiance, tiny."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from tiny_models import TinyModel

FLUX = {
    "image_model": "flux", "in_channels": 16, "out_channels": 16, "vec_in_dim": 64, "context_in_dim": 48,
    "hidden_size": 128, "mlp_ratio": 4.0, "num_heads": 1, "depth": 2, "depth_single_blocks": 2,
    "axes_dim": [16, 56, 56], "theta": 10000, "patch_size": 2, "qkv_bias": True, "guidance_embed": True,
    "txt_ids_dims": [],
}  # fmt: skip
FLUX2 = {
    **FLUX, "image_model": "flux2", "in_channels": 128, "out_channels": 128, "vec_in_dim": None, "mlp_ratio": 3.0,
    "axes_dim": [32, 32, 32, 32], "theta": 2000, "patch_size": 1, "qkv_bias": False, "txt_ids_dims": [3],
    "global_modulation": True, "mlp_silu_act": True, "ops_bias": False, "default_ref_method": "index",
    "ref_index_scale": 10.0,
}  # fmt: skip
# The modulation network gives rows for 19 double and 38 single blocks, with any number of blocks.
CHROMA = {
    "image_model": "chroma", "in_channels": 64, "out_channels": 64, "context_in_dim": 48, "hidden_size": 128,
    "mlp_ratio": 1.0, "num_heads": 1, "depth": 19, "depth_single_blocks": 38, "axes_dim": [16, 56, 56],
    "theta": 10000, "patch_size": 2, "qkv_bias": True, "in_dim": 64, "out_dim": 128, "hidden_dim": 64, "n_layers": 1,
    "txt_ids_dims": [], "vec_in_dim": None,
}  # fmt: skip
RADIANCE = {
    **CHROMA, "image_model": "chroma_radiance", "in_channels": 3, "out_channels": 3, "patch_size": 16,
    "nerf_hidden_size": 16, "nerf_mlp_ratio": 2, "nerf_depth": 1, "nerf_max_freqs": 4, "nerf_tile_size": 2,
    "nerf_final_head_type": "conv", "nerf_embedder_dtype": None, "use_x0": False, "use_sequential_txt_ids": False,
}  # fmt: skip
TWO_SIZES = {(16, 8, 12): (1, 4, 6), (16, 7, 9): (1, 4, 5)}
BLOCKS = ("double_blocks", "single_blocks")


def references(method: str | None = None, sizes: tuple[tuple[int, int], ...] = ((6, 8), (4, 4)), channels: int = 16
               ) -> Callable[[Tensor], dict[str, object]]:
    """Reference pictures in the prompt, as FLUX Kontext takes them."""

    def conditioning(latent: Tensor) -> dict[str, object]:
        generator = torch.Generator().manual_seed(3)
        pictures = [torch.randn(1, channels, *size, generator=generator) for size in sizes]
        named = {"reference_latents_method": method} if method else {}
        return {"reference_latents": pictures, **named}

    return conditioning


DEV = TinyModel("FLUX.1 dev", "Flux", FLUX, TWO_SIZES, BLOCKS, pooled=64)
FLUX2_DEV = TinyModel("FLUX.2", "Flux2", FLUX2, {(128, 4, 6): (1, 4, 6), (128, 3, 5): (1, 3, 5)}, BLOCKS)
LONGCAT = TinyModel(
    "LongCat-Image", "LongCatImage",
    {**FLUX, "guidance_embed": False, "vec_in_dim": None, "txt_ids_dims": [1, 2]}, TWO_SIZES, BLOCKS
)  # fmt: skip

FLUX_ROWS = [
    DEV,
    replace(DEV, name="FLUX.1 schnell", kind="FluxSchnell", config={**FLUX, "guidance_embed": False}),
    replace(DEV, name="FLUX.1 Fill", kind="FluxInpaint", config={**FLUX, "in_channels": 96}),
    replace(DEV, name="FLUX.1 Kontext", conditioning=references()),
    *[
        replace(DEV, name=f"FLUX.1 references, {method}", conditioning=references(method))
        for method in ("offset", "index", "uxo")
    ],
    FLUX2_DEV,
    replace(FLUX2_DEV, name="FLUX.2 references", conditioning=references(sizes=((2, 3),), channels=128)),
    # Batches of this method only fit a model whose guidance is not embedded.
    replace(FLUX2_DEV, name="FLUX.2 klein references, index_timestep_zero", config={**FLUX2, "guidance_embed": False},
            conditioning=references("index_timestep_zero", ((2, 3),), 128)),
    LONGCAT,
    replace(LONGCAT, name="LongCat-Image references", conditioning=references("index")),
    TinyModel("Chroma", "Chroma", CHROMA, TWO_SIZES, BLOCKS),
    TinyModel("Chroma Radiance", "ChromaRadiance", RADIANCE, {(3, 32, 48): (1, 2, 3), (3, 40, 24): (1, 3, 2)}, BLOCKS),
]
