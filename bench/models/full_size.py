"""The paper's five models at their full size and its resolutions: ComfyUI's own classes, without their weights.

T: sampling steps. Sizes and token counts: TAP, supplementary section 6; what it leaves open is said where it is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

FLUX = {
    "image_model": "flux", "in_channels": 16, "out_channels": 16, "vec_in_dim": 768, "context_in_dim": 4096,
    "hidden_size": 3072, "mlp_ratio": 4.0, "num_heads": 24, "depth": 19, "depth_single_blocks": 38,
    "axes_dim": [16, 56, 56], "theta": 10000, "patch_size": 2, "qkv_bias": True, "txt_ids_dims": [],
}  # fmt: skip
QWEN = {
    "image_model": "qwen_image", "in_channels": 64, "num_layers": 60, "attention_head_dim": 128,
    "num_attention_heads": 24, "joint_attention_dim": 3584,
}  # fmt: skip
HUNYUAN = {
    "image_model": "hunyuan_video", "in_channels": 16, "out_channels": 16, "patch_size": [1, 2, 2], "vec_in_dim": 768,
    "context_in_dim": 4096, "hidden_size": 3072, "mlp_ratio": 4.0, "num_heads": 24, "depth": 20,
    "depth_single_blocks": 40, "axes_dim": [16, 56, 56], "theta": 256, "qkv_bias": True, "guidance_embed": True,
    "byt5": False, "meanflow": False, "use_cond_type_embedding": False, "vision_in_dim": None, "meanflow_sum": False,
}  # fmt: skip


@dataclass(frozen=True)
class FullSize:
    """One of the paper's rows.

    kind: class in comfy.supported_models; config: what it would have detected in the model's file.
    latent: shape of one picture's latent. pictures: tokens of the picture. words: text tokens of each condition; two
    conditions are guidance, batched as ComfyUI batches them where they are as long. guided: takes embedded guidance.
    more: shapes of what else a text encoder gives, by its name in the conditioning.
    """

    name: str
    kind: str
    config: Mapping[str, object]
    latent: tuple[int, ...]
    words: tuple[int, ...]
    steps: int
    size: str
    context: int
    pooled: int | None = None
    guided: bool = False
    more: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def blocks(self) -> int:
        """Transformer blocks."""
        return sum(int(self.config.get(name, 0)) for name in ("depth", "depth_single_blocks", "num_layers"))

    def build(self, device: str | torch.device, dtype: torch.dtype = torch.bfloat16,
              weights: torch.dtype | None = None, **other: object) -> object:
        """ComfyUI's model on this device, its weights not set; other: entries of the config to replace.

        weights: their type, if it is not that of the arithmetic.
        """
        import comfy.supported_models

        config = getattr(comfy.supported_models, self.kind)({**self.config, **other})
        config.unet_config.update({**self.config, **other})
        config.set_inference_dtype(weights or dtype, dtype if weights else None)
        return config.get_model({}, "", device=torch.device(device))

    def noise(self, device: str | torch.device, dtype: torch.dtype = torch.bfloat16) -> Tensor:
        """A latent [1, C, (T,) H, W]."""
        return torch.zeros(1, *self.latent, device=device, dtype=dtype)

    def latents(self) -> Tensor:
        """A latent [1, C, (T,) H, W] as ComfyUI hands it to the sampler, on the processor."""
        return torch.zeros(1, *self.latent)

    def prompt(self, place: int) -> list:
        """The conditioning of one of the prompts, as a text encoder gives it, on the processor."""
        given = {"pooled_output": torch.zeros(1, self.pooled)} if self.pooled else {}
        given |= {"guidance": 3.5} if self.guided else {}
        given |= {name: torch.zeros(shape) for name, shape in self.more.items()}
        return [torch.zeros(1, self.words[place], self.context), given]

    def conditions(self, words: int, device: str | torch.device, dtype: torch.dtype = torch.bfloat16,
                   ) -> dict[str, Tensor]:
        """What a prompt of so many words hands to the model, as arguments of `apply_model`."""
        found = {"c_crossattn": torch.zeros(1, words, self.context, device=device, dtype=dtype)}
        if self.pooled:
            found["y"] = torch.zeros(1, self.pooled, device=device, dtype=dtype)
        if self.guided:
            found["guidance"] = torch.full((1,), 3.5, device=device)
        return found


# The paper does not say how many words its prompts have; FLUX and HunyuanVideo pad theirs. 20 is a short sentence in
# Qwen-Image's template, 6 an empty one; speed-ups hardly depend on it.
FULL_SIZES = (
    FullSize("FLUX.1-dev", "Flux", {**FLUX, "guidance_embed": True}, (16, 128, 128), (512,), 50, "1024 x 1024", 4096,
             768, guided=True),
    FullSize("FLUX.1-schnell", "FluxSchnell", {**FLUX, "guidance_embed": False}, (16, 128, 128), (256,), 4,
             "1024 x 1024", 4096, 768),
    FullSize("Qwen-Image", "QwenImage", QWEN, (16, 1, 166, 166), (20, 6), 50, "1328 x 1328", 3584),
    FullSize("Qwen-Image-Lightning", "QwenImage", QWEN, (16, 1, 128, 128), (20,), 8, "1024 x 1024", 3584),
    FullSize("HunyuanVideo", "HunyuanVideo", HUNYUAN, (16, 5, 60, 106), (256,), 50, "848 x 480, 17 frames", 4096, 768,
             guided=True),
)
