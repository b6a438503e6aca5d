"""Models that the paper does not have, at full size: as ComfyUI detects them in the files of their makers."""

from __future__ import annotations

from models.full_size import FLUX, HUNYUAN, FullSize

FLUX2 = {
    **FLUX, "image_model": "flux2", "in_channels": 128, "out_channels": 128, "vec_in_dim": None,
    "context_in_dim": 15360, "hidden_size": 6144, "mlp_ratio": 3.0, "num_heads": 48, "depth": 8,
    "depth_single_blocks": 48, "axes_dim": [32, 32, 32, 32], "theta": 2000, "patch_size": 1, "qkv_bias": False,
    "txt_ids_dims": [3], "global_modulation": True, "mlp_silu_act": True, "ops_bias": False, "guidance_embed": True,
    "default_ref_method": "index", "ref_index_scale": 10.0,
}  # fmt: skip
CHROMA = {
    "image_model": "chroma", "in_channels": 64, "out_channels": 64, "context_in_dim": 4096, "hidden_size": 3072,
    "mlp_ratio": 4.0, "num_heads": 24, "depth": 19, "depth_single_blocks": 38, "axes_dim": [16, 56, 56],
    "theta": 10000, "patch_size": 2, "qkv_bias": True, "in_dim": 64, "out_dim": 3072, "hidden_dim": 5120,
    "n_layers": 5, "txt_ids_dims": [], "vec_in_dim": None,
}  # fmt: skip
Z_IMAGE = {
    "image_model": "lumina2", "patch_size": 2, "in_channels": 16, "dim": 3840, "cap_feat_dim": 2560, "n_layers": 30,
    "qk_norm": True, "n_heads": 30, "n_kv_heads": 30, "axes_dims": [32, 48, 48], "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0, "ffn_dim_multiplier": 8 / 3, "z_image_modulation": True, "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}  # fmt: skip
WAN = {
    "image_model": "wan2.1", "model_type": "t2v", "dim": 1536, "out_dim": 16, "num_heads": 12, "ffn_dim": 8960,
    "num_layers": 30, "patch_size": (1, 2, 2), "freq_dim": 256, "window_size": (-1, -1), "qk_norm": True,
    "cross_attn_norm": True, "eps": 1e-6, "in_dim": 16, "text_dim": 4096,
}  # fmt: skip
VIDEO15 = {
    **HUNYUAN, "in_channels": 65, "out_channels": 32, "patch_size": [1, 1, 1], "vec_in_dim": None,
    "context_in_dim": 3584, "hidden_size": 2048, "num_heads": 16, "depth": 54, "depth_single_blocks": 0, "byt5": True,
    "guidance_embed": False, "use_cond_type_embedding": True, "vision_in_dim": 1152,
}  # fmt: skip
SD35_LARGE = {
    "in_channels": 16, "patch_size": 2, "out_channels": 16, "depth": 38, "num_blocks": 38, "input_size": None,
    "adm_in_channels": 2048, "num_patches": 36864, "pos_embed_max_size": 192, "qk_norm": "rms",
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 2432}},
}  # fmt: skip
LTX2 = {
    "image_model": "ltxav", "num_layers": 48, "attention_head_dim": 128, "num_attention_heads": 32,
    "cross_attention_dim": 4096, "caption_channels": 3840, "in_channels": 128, "audio_in_channels": 128,
    "audio_cross_attention_dim": 2048, "audio_attention_head_dim": 64, "audio_num_attention_heads": 32,
}  # fmt: skip
HIDREAM = {
    "image_model": "hidream", "attention_head_dim": 128, "axes_dims_rope": [64, 32, 32],
    "caption_channels": [4096, 4096], "max_resolution": [128, 128], "in_channels": 16,
    "llama_layers": [*range(32), *[31] * 16], "num_attention_heads": 20, "num_routed_experts": 4,
    "num_activated_experts": 2, "num_layers": 16, "num_single_layers": 32, "out_channels": 16, "patch_size": 2,
    "text_emb_dim": 2048,
}  # fmt: skip
SQUARE, CLIP_480 = "1024 x 1024", "832 x 480, 81 frames"

# Where prompts are not padded they are as long as a sentence or two.
MORE_SIZES = (
    FullSize("FLUX.2-dev", "Flux2", FLUX2, (128, 64, 64), (512,), 50, SQUARE, 15360, guided=True),
    FullSize("Chroma", "Chroma", CHROMA, (16, 128, 128), (256, 256), 26, SQUARE, 4096),
    FullSize("Z-Image", "ZImage", Z_IMAGE, (16, 128, 128), (128, 128), 28, SQUARE, 2560),
    FullSize("SD3.5 large", "SD3", SD35_LARGE, (16, 128, 128), (154, 154), 28, SQUARE, 4096, 2048),
    FullSize("HiDream-I1", "HiDream", HIDREAM, (16, 128, 128), (128, 128), 50, SQUARE, 4096, 2048,
             more={"conditioning_llama3": (1, 32, 128, 4096)}),
    FullSize("Wan 2.1 1.3B", "WAN21_T2V", WAN, (16, 21, 60, 104), (512, 512), 50, CLIP_480, 4096),
    FullSize("Wan 2.1 14B", "WAN21_T2V", {**WAN, "dim": 5120, "num_heads": 40, "ffn_dim": 13824, "num_layers": 40},
             (16, 21, 60, 104), (512, 512), 50, CLIP_480, 4096),
    FullSize("HunyuanVideo 1.5", "HunyuanVideo15", VIDEO15, (32, 31, 30, 53), (256, 256), 50, "848 x 480, 121 frames",
             3584, 768),
    FullSize("LTX-2", "LTXAV", LTX2, (128, 16, 16, 24), (256, 256), 40, "768 x 512, 121 frames", 7680,
             more={"attention_mask": (1, 256)}),
)
