"""Tiny video models outside the large families."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tiny_models import TinyModel

COSMOS = {
    "image_model": "cosmos_predict2", "max_img_h": 240, "max_img_w": 240, "max_frames": 128, "in_channels": 16,
    "out_channels": 16, "patch_spatial": 2, "patch_temporal": 1, "model_channels": 128, "concat_padding_mask": True,
    "crossattn_emb_channels": 48, "pos_emb_cls": "rope3d", "pos_emb_learnable": True,
    "pos_emb_interpolation": "crop", "min_fps": 1, "max_fps": 30, "use_adaln_lora": True, "adaln_lora_dim": 64,
    "num_blocks": 2, "num_heads": 1, "extra_per_block_abs_pos_emb": False, "rope_h_extrapolation_ratio": 4.0,
    "rope_w_extrapolation_ratio": 4.0, "rope_t_extrapolation_ratio": 1.0, "rope_enable_fps_modulation": False,
}  # fmt: skip
LTXV = {
    "image_model": "ltxv", "num_layers": 2, "attention_head_dim": 32, "num_attention_heads": 2,
    "cross_attention_dim": 64, "caption_channels": 48, "in_channels": 128,
}  # fmt: skip
LTXAV = {
    **LTXV, "image_model": "ltxav", "audio_in_channels": 128, "audio_cross_attention_dim": 64,
    "audio_attention_head_dim": 32, "audio_num_attention_heads": 2, "connector_attention_head_dim": 48,
    "connector_num_attention_heads": 1, "connector_num_layers": 1,
}  # fmt: skip
KANDINSKY = {
    "image_model": "kandinsky5", "in_text_dim": 48, "in_text_dim2": 64, "time_dim": 32, "model_dim": 64, "ff_dim": 128,
    "visual_embed_dim": 132, "num_text_blocks": 1, "num_visual_blocks": 3, "axes_dims": (16, 24, 24),
}  # fmt: skip
# Its class needs hidden size times ratio to be 12288.
MOCHI = {
    "image_model": "mochi_preview", "depth": 2, "patch_size": 2, "hidden_size_x": 128, "hidden_size_y": 64,
    "mlp_ratio_x": 96.0, "mlp_ratio_y": 2.0, "num_heads": 2, "learn_sigma": False,
    "in_channels": 12, "qk_norm": True, "qkv_bias": False,
    "out_bias": True, "attn_drop": 0.0, "use_t5": True, "t5_feat_dim": 48, "t5_token_length": 7,
    "rope_theta": 10000.0, "patch_embed_bias": True, "posenc_preserve_area": True, "timestep_mlp_bias": True,
    "attend_to_padding": False, "timestep_scale": 1000.0,
}  # fmt: skip
COGVIDEO = {
    "image_model": "cogvideox", "num_attention_heads": 2, "attention_head_dim": 64, "in_channels": 16,
    "out_channels": 16, "time_embed_dim": 32, "text_embed_dim": 48, "num_layers": 3, "max_text_seq_length": 7,
    "use_rotary_positional_embeddings": True,
}  # fmt: skip
COSMOS1 = {
    "image_model": "cosmos", "max_img_h": 240, "max_img_w": 240, "max_frames": 128, "in_channels": 16,
    "out_channels": 16, "patch_spatial": 2, "patch_temporal": 1, "model_channels": 128, "block_config": "FA-CA-MLP",
    "concat_padding_mask": True, "pos_emb_cls": "rope3d", "pos_emb_learnable": False, "pos_emb_interpolation": "crop",
    "block_x_format": "THWBD", "affline_emb_norm": True, "use_adaln_lora": True, "adaln_lora_dim": 32, "num_blocks": 3,
    "num_heads": 1, "crossattn_emb_channels": 48, "extra_per_block_abs_pos_emb": True,
    "extra_per_block_abs_pos_emb_type": "learnable", "rope_t_extrapolation_ratio": 2.0,
}  # fmt: skip
SEEDVR2 = {
    "image_model": "seedvr2", "vid_dim": 128, "heads": 1, "head_dim": 128, "num_layers": 4, "mm_layers": 2,
    "norm_eps": 1e-5, "mlp_type": "swiglu", "txt_in_dim": 48, "vid_out_norm": True,
}  # fmt: skip
MINIMAX = {
    "image_model": "minimax_h3", "hidden_size": 128, "num_layers": 3, "token_refiner_num_layers": 1,
    "num_attention_heads": 1, "attention_head_dim": 128, "ffn_hidden_size": 256, "text_dim": 48,
    "time_embed_hidden_size": 64, "time_embed_dim": 32,
}  # fmt: skip
TWO_SIZES = {(16, 3, 8, 12): (3, 4, 6), (16, 2, 7, 9): (2, 4, 5)}
EVEN_SIZES = {(16, 3, 8, 12): (3, 4, 6), (16, 2, 6, 4): (2, 3, 2)}


def spoken(latent: Tensor) -> dict[str, object]:
    """A voice to speak with."""
    return {**masked(latent), "ref_audio": {"tokens": noise(1, 3, 128)}}


def seen_and_heard(latent: Tensor) -> dict[str, object]:
    """A reference picture and sound, for MiniMax H3."""
    picture = {"kind": "image", "latent_h": 4, "latent_w": 6, "latent": noise(1, 24, 1, 4, 6)}
    return {"minimax_refs": [picture, {"kind": "audio", "ref_audio_t": 3, "audio_latent": noise(1, 32, 2, 3)}]}


def low_resolution(latent: Tensor) -> dict[str, object]:
    """A video to restore."""
    return {"condition": noise(1, 17, *latent.shape[2:])}


def noise(*shape: int) -> Tensor:
    """Random values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(4))


def masked(latent: Tensor) -> dict[str, object]:
    """A text with its mask."""
    return {"attention_mask": torch.ones(1, 7, dtype=torch.long)}


def timed_frames(latent: Tensor) -> dict[str, object]:
    """A given first frame, which is at time 0."""
    mask = torch.ones(1, 1, *latent.shape[2:])
    mask[:, :, :1] = 0.0
    return {**masked(latent), "denoise_mask": mask}


PREDICT2 = TinyModel("Cosmos Predict2", "CosmosT2IPredict2", COSMOS, TWO_SIZES, ("blocks",))
COSMOS_1 = TinyModel("Cosmos 1", "CosmosT2V", COSMOS1, EVEN_SIZES, ("blocks",))
SEED = TinyModel("SeedVR2", "SeedVR2", SEEDVR2, EVEN_SIZES, ("blocks",), conditioning=low_resolution)
LTX = TinyModel("LTX-Video", "LTXV", LTXV, {(128, 3, 4, 6): (3, 4, 6), (128, 2, 3, 5): (2, 3, 5)},
                ("transformer_blocks",), conditioning=masked)  # fmt: skip

VIDEO_ROWS = [
    PREDICT2,
    replace(PREDICT2, name="Cosmos Predict2, video", kind="CosmosI2VPredict2", config={**COSMOS, "in_channels": 17}),
    replace(PREDICT2, name="Anima", kind="Anima",
            config={**COSMOS, "image_model": "anima", "crossattn_emb_channels": 48}),
    LTX,
    replace(LTX, name="LTX-Video, first frame", conditioning=timed_frames),
    replace(LTX, name="LTX-2, with sound", kind="LTXAV", config=LTXAV, context=96, sound=(8, 5, 16)),
    replace(LTX, name="LTX-2, with sound and a voice", kind="LTXAV", config=LTXAV, context=96, sound=(8, 5, 16),
            conditioning=spoken),
    replace(LTX, name="LTX-2, without sound", kind="LTXAV", config=LTXAV, context=96),
    COSMOS_1,
    replace(COSMOS_1, name="Cosmos 1, image to video", kind="CosmosI2V", config={**COSMOS1, "in_channels": 17}),
    SEED,
    replace(SEED, name="SeedVR2 7B", config={**SEEDVR2, "vid_out_norm": None, "mlp_type": "normal"}),
    TinyModel("MiniMax H3", "MiniMaxH3", MINIMAX, {(24, 3, 8, 12): (3, 4, 6), (24, 2, 7, 9): (2, 4, 5)}, ("blocks",),
              single=True, sound=(32, 2, 5)),
    TinyModel("MiniMax H3, references", "MiniMaxH3", MINIMAX, {(24, 3, 8, 12): (3, 4, 6), (24, 2, 6, 4): (2, 3, 2)},
              ("blocks",), single=True, sound=(32, 2, 5), conditioning=seen_and_heard),
    TinyModel("Kandinsky 5", "Kandinsky5", KANDINSKY, EVEN_SIZES, ("visual_transformer_blocks",), pooled=64),
    TinyModel("Kandinsky 5 image", "Kandinsky5Image", {**KANDINSKY, "visual_embed_dim": 64},
              {(16, 8, 12): (1, 4, 6), (16, 6, 4): (1, 3, 2)}, ("visual_transformer_blocks",), pooled=64),
    TinyModel("CogVideoX", "CogVideoX_T2V", COGVIDEO, TWO_SIZES, ("blocks",)),
    TinyModel("CogVideoX 1.5, image to video", "CogVideoX_I2V",
              {**COGVIDEO, "in_channels": 32, "patch_size_t": 2, "ofs_embed_dim": 32, "patch_bias": False},
              {(16, 4, 8, 12): (2, 4, 6), (16, 3, 7, 9): (2, 4, 5)}, ("blocks",)),
    TinyModel("Mochi", "GenmoMochi", MOCHI, {(12, 3, 8, 12): (3, 4, 6), (12, 2, 6, 4): (2, 3, 2)}, ("blocks",),
              conditioning=masked),
]  # fmt: skip
