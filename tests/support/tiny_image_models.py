"""Tiny image models outside the large families."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tiny_models import TinyModel

TWO_SIZES = {(16, 8, 12): (1, 4, 6), (16, 7, 9): (1, 4, 5)}
EVEN_SIZES = {(16, 8, 12): (1, 4, 6), (16, 6, 4): (1, 3, 2)}

SD3 = {
    "in_channels": 16, "patch_size": 2, "out_channels": 16, "depth": 2, "num_blocks": 2, "input_size": None,
    "adm_in_channels": 64, "num_patches": 1024, "pos_embed_max_size": 32, "qk_norm": None,
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 48, "out_features": 128}},
}  # fmt: skip
SD35_LARGE = {
    **SD3, "depth": 3, "num_blocks": 3, "qk_norm": "rms",
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 48, "out_features": 192}},
}  # fmt: skip
LUMINA = {
    "image_model": "lumina2", "patch_size": 2, "in_channels": 16, "dim": 96, "cap_feat_dim": 48, "n_layers": 3,
    "qk_norm": True, "n_heads": 1, "n_kv_heads": 1, "axes_dims": [32, 32, 32], "axes_lens": [300, 512, 512],
    "rope_theta": 10000.0, "ffn_dim_multiplier": 4.0,
}  # fmt: skip
Z_IMAGE = {
    **LUMINA, "dim": 256, "n_heads": 2, "n_kv_heads": 2, "axes_dims": [32, 48, 48], "pad_tokens_multiple": 32,
    "z_image_modulation": True, "time_scale": 1000.0,
}  # fmt: skip
Z_IMAGE_PIXELS = {
    **Z_IMAGE, "image_model": "zimage_pixel", "in_channels": 3, "patch_size": 4, "decoder_hidden_size": 32,
    "decoder_num_res_blocks": 1,
}  # fmt: skip
HIDREAM = {
    "image_model": "hidream", "attention_head_dim": 128, "axes_dims_rope": [64, 32, 32], "caption_channels": [48, 48],
    "max_resolution": [128, 128], "in_channels": 16, "llama_layers": [0, 1, 2], "num_attention_heads": 1,
    "num_routed_experts": 2, "num_activated_experts": 1, "num_layers": 1, "num_single_layers": 2, "out_channels": 16,
    "patch_size": 2, "text_emb_dim": 64,
}  # fmt: skip
KREA = {
    "image_model": "krea2", "features": 128, "txtdim": 16, "heads": 2, "kvheads": 1, "multiplier": 2, "layers": 3,
    "txtlayers": 3, "txtheads": 2, "txtkvheads": 2,
}  # fmt: skip
AURA = {
    "in_channels": 4, "patch_size": 2, "cond_seq_dim": 48, "dim": 128, "n_heads": 2, "global_conddim": 128,
    "n_layers": 4, "n_double_layers": 2, "max_seq": 256,
}  # fmt: skip
PIXART = {
    "image_model": "pixart_sigma", "input_size": 16, "hidden_size": 96, "depth": 3, "num_heads": 2,
    "caption_channels": 48, "micro_condition": False, "model_max_length": 7,
}  # fmt: skip
OMNIGEN = {
    "image_model": "omnigen2", "hidden_size": 96, "num_layers": 3, "num_refiner_layers": 1, "num_attention_heads": 1,
    "num_kv_heads": 1, "axes_dim_rope": (32, 32, 32), "text_feat_dim": 48,
}  # fmt: skip
IDEOGRAM = {
    "image_model": "ideogram4", "num_layers": 3, "num_attention_heads": 1, "attention_head_dim": 128,
    "intermediate_size": 256, "adaln_dim": 64, "llm_features_dim": 48, "mrope_section": (24, 20, 20),
}  # fmt: skip

MAGE_FLOW = {
    "image_model": "mage_flow", "in_channels": 128, "num_layers": 3, "attention_head_dim": 128,
    "num_attention_heads": 1, "joint_attention_dim": 48,
}  # fmt: skip
LENS = {
    "image_model": "lens", "num_layers": 3, "attention_head_dim": 64, "num_attention_heads": 2, "enc_hidden_dim": 24,
    "selected_layer_index": (0, 1),
}  # fmt: skip
JOYIMAGE = {
    "image_model": "joyimage", "patch_size": (1, 2, 2), "hidden_size": 128, "num_attention_heads": 1, "text_dim": 48,
    "num_layers": 3,
}  # fmt: skip
BOOGU_CONFIG = {
    "image_model": "boogu", "hidden_size": 120, "num_layers": 2, "num_double_stream_layers": 2,
    "num_refiner_layers": 1, "num_attention_heads": 1, "num_kv_heads": 1, "instruction_feat_dim": 48,
}  # fmt: skip
ERNIE = {
    "image_model": "ernie", "hidden_size": 128, "num_attention_heads": 1, "num_layers": 3, "ffn_hidden_size": 256,
    "text_in_dim": 48,
}  # fmt: skip
HIDREAM_O1 = {
    "image_model": "hidream_o1",
    "text_config_overrides": {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3,
                              "num_attention_heads": 1, "num_key_value_heads": 1},
    "vision_config_overrides": {"hidden_size": 64, "num_heads": 1, "intermediate_size": 128, "depth": 1},
}  # fmt: skip
PIXELDIT = {
    "image_model": "pixeldit_t2i", "num_groups": 2, "hidden_size": 128, "pixel_hidden_size": 16,
    "pixel_attn_hidden_size": 64, "pixel_num_groups": 1, "patch_depth": 3, "pixel_depth": 1, "patch_size": 4,
    "txt_embed_dim": 48, "txt_max_length": 6,
}  # fmt: skip
PID = {**PIXELDIT, "image_model": "pid", "lq_hidden_dim": 32, "lq_num_res_blocks": 1}
HUNYUAN_DIT = {
    "image_model": "hydit", "hidden_size": 128, "depth": 4, "num_heads": 2, "text_states_dim": 48,
    "text_states_dim_t5": 32, "text_len": 7, "text_len_t5": 5, "mlp_ratio": 2.0, "size_cond": False,
    "use_style_cond": False,
}  # fmt: skip


def noise(*shape: int) -> Tensor:
    """Random values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(4))


def two_languages(latent: Tensor) -> dict[str, object]:
    """The second text that HiDream reads."""
    return {"conditioning_llama3": noise(1, 3, 5, 48)}


def edited(latent: Tensor) -> dict[str, object]:
    """Two texts, and a picture to edit next to the image (E1)."""
    return {**two_languages(latent), "concat_latent_image": noise(1, *latent.shape[1:])}


def references(latent: Tensor) -> dict[str, object]:
    """Reference pictures."""
    return {"reference_latents": [noise(1, 16, 6, 8), noise(1, 16, 4, 4)]}


def masked(latent: Tensor) -> dict[str, object]:
    """A text with its mask."""
    return {"attention_mask": torch.ones(1, 7, dtype=torch.long)}


def masked_references(latent: Tensor) -> dict[str, object]:
    """Both."""
    return {**references(latent), **masked(latent)}


def timed_references(latent: Tensor) -> dict[str, object]:
    """Reference pictures with their own time."""
    return {**references(latent), "reference_latents_method": "index_timestep_zero"}


def omni(latent: Tensor) -> dict[str, object]:
    """Reference pictures with their own texts, for Z-Image omni."""
    return {**references(latent), "reference_latents_text_embeds": [noise(1, 5, 48), noise(1, 4, 48), noise(1, 3, 48)]}


def fine_references(latent: Tensor) -> dict[str, object]:
    """Reference pictures in finer latents."""
    return {"reference_latents": [noise(1, 128, 3, 4), noise(1, 128, 2, 2)]}


def deep_references(latent: Tensor) -> dict[str, object]:
    """Reference pictures of one frame."""
    return {"reference_latents": [noise(1, 16, 1, 6, 8), noise(1, 16, 1, 5, 4)]}


def token_numbers(latent: Tensor) -> dict[str, object]:
    """Numbers of words, as HiDream-O1 reads them; the last one means the time."""
    return {"text_input_ids": torch.tensor([[151644, 872, 198, 9, 4, 7, 151673]])}


def shown_pictures(latent: Tensor) -> dict[str, object]:
    """The same, and pictures to look at."""
    return {**token_numbers(latent), "reference_latents": [noise(1, 32, 64, 3).sigmoid()]}


def coarse(latent: Tensor) -> dict[str, object]:
    """A latent to paint, and its noise level."""
    return {"lq_latent": noise(1, 16, 2, 3), "degrade_sigma": torch.tensor([0.1])}


def two_encoders(latent: Tensor) -> dict[str, object]:
    """What HunyuanDiT reads: a second text, and masks of both."""
    return {"conditioning_mt5xl": noise(1, 5, 32), "attention_mask": torch.ones(1, 7),
            "attention_mask_mt5xl": torch.ones(1, 5)}  # fmt: skip


ROWS_SD3 = TinyModel("Stable Diffusion 3", "SD3", SD3, TWO_SIZES, ("joint_blocks",), pooled=64)
SIGMA = TinyModel("PixArt Sigma", "PixArtSigma", PIXART, {(4, 32, 40): (1, 16, 20), (4, 36, 32): (1, 18, 16)},
                  ("blocks",))  # fmt: skip
LUMINA2 = TinyModel("Lumina 2", "Lumina2", LUMINA, TWO_SIZES, ("layers",))
I1 = TinyModel("HiDream-I1", "HiDream", HIDREAM, TWO_SIZES, ("double_stream_blocks", "single_stream_blocks"),
               pooled=64, conditioning=two_languages)  # fmt: skip
O1 = TinyModel("HiDream-O1", "HiDreamO1", HIDREAM_O1, {(3, 64, 96): (1, 2, 3), (3, 96, 64): (1, 3, 2)},
               ("language_model.layers",), conditioning=token_numbers)  # fmt: skip
PIXELS = TinyModel("PixelDiT", "PixelDiTT2I", PIXELDIT, {(3, 16, 24): (1, 4, 6), (3, 13, 18): (1, 4, 5)},
                   ("patch_blocks",))  # fmt: skip
KREA2 = TinyModel("Krea 2", "Krea2", KREA, {(16, 1, 8, 12): (1, 4, 6), (16, 1, 7, 9): (1, 4, 5)}, ("blocks",))
MAGE = TinyModel("Mage-Flow", "MageFlow", MAGE_FLOW, {(128, 4, 6): (1, 4, 6), (128, 3, 5): (1, 3, 5)},
                 ("transformer_blocks",))  # fmt: skip
JOY = TinyModel("JoyImage", "JoyImage", JOYIMAGE, {(16, 1, 8, 12): (1, 4, 6), (16, 1, 7, 9): (1, 4, 5)},
                ("double_blocks",))  # fmt: skip
BOOGU = TinyModel("Boogu", "Boogu", BOOGU_CONFIG, TWO_SIZES, ("double_stream_layers", "single_stream_layers"),
                  conditioning=masked)  # fmt: skip

IMAGE_ROWS = [
    ROWS_SD3,
    replace(ROWS_SD3, name="Stable Diffusion 3.5 medium",
            config={**SD3, "qk_norm": "rms", "x_block_self_attn_layers": [0]}),
    replace(ROWS_SD3, name="Stable Diffusion 3.5 large", config=SD35_LARGE),
    LUMINA2,
    replace(LUMINA2, name="NewBie", config={**LUMINA, "clip_text_dim": 64}, pooled=64),
    replace(LUMINA2, name="Z-Image", config=Z_IMAGE),
    replace(LUMINA2, name="Z-Image omni, references", config=Z_IMAGE, conditioning=omni, lone=True),
    replace(LUMINA2, name="Z-Image in pixels", kind="ZImagePixelSpace", config=Z_IMAGE_PIXELS,
            sizes={(3, 16, 24): (1, 4, 6), (3, 13, 18): (1, 4, 5)}),
    O1,
    replace(O1, name="HiDream-O1 references", conditioning=shown_pictures),
    PIXELS,
    replace(PIXELS, name="PiD", kind="PiD", config=PID, conditioning=coarse),
    I1,
    replace(I1, name="HiDream-E1", conditioning=edited, sizes=EVEN_SIZES),
    KREA2,
    replace(KREA2, name="Krea 2 references", conditioning=timed_references),
    TinyModel("AuraFlow", "AuraFlow", AURA, {(4, 8, 12): (1, 4, 6), (4, 7, 9): (1, 4, 5)},
              ("double_layers", "single_layers")),
    SIGMA,
    replace(SIGMA, name="PixArt Alpha", kind="PixArtAlpha",
            config={**PIXART, "image_model": "pixart_alpha", "micro_condition": True}),
    TinyModel("OmniGen 2", "Omnigen2", OMNIGEN, TWO_SIZES, ("layers",), conditioning=masked),
    TinyModel("OmniGen 2 references", "Omnigen2", OMNIGEN, TWO_SIZES, ("layers",), conditioning=masked_references),
    TinyModel("Ideogram 4", "Ideogram4", IDEOGRAM, {(128, 4, 6): (1, 4, 6), (128, 3, 5): (1, 3, 5)}, ("layers",)),
    MAGE,
    replace(MAGE, name="Mage-Flow references", conditioning=fine_references),
    TinyModel("Lens", "Lens", LENS, {(128, 4, 6): (1, 4, 6), (128, 3, 5): (1, 3, 5)}, ("transformer_blocks",)),
    JOY,
    replace(JOY, name="JoyImage references", conditioning=deep_references),
    BOOGU,
    replace(BOOGU, name="Boogu references", conditioning=masked_references),
    TinyModel("ERNIE-Image", "ErnieImage", ERNIE, {(128, 4, 6): (1, 4, 6), (128, 3, 5): (1, 3, 5)}, ("layers",)),
    TinyModel("HunyuanDiT", "HunyuanDiT", HUNYUAN_DIT, {(4, 8, 12): (1, 4, 6), (4, 7, 9): (1, 4, 5)}, ("blocks",),
              conditioning=two_encoders),
]  # fmt: skip
