"""Model files that templates name, and where people get them: the addresses in ComfyUI's own templates."""

from __future__ import annotations

from dataclasses import dataclass

HOST = "https://huggingface.co/"


@dataclass(frozen=True)
class ModelFile:
    """One file. folder: of ComfyUI's models; where: repository, two colons, the path in it."""

    name: str
    folder: str
    where: str

    @property
    def page(self) -> str:
        """The page on which people read the licence and download the file."""
        return HOST + self.where.partition("::")[0]

    def as_property(self) -> dict[str, str]:
        """What ComfyUI reads from a node to offer the download."""
        repository, _, path = self.where.partition("::")
        address = f"{HOST}{repository}/resolve/main/{path}{self.name}"
        return {"name": self.name, "url": address, "directory": self.folder}


def _file(folder: str, repository: str, path: str, name: str) -> ModelFile:
    return ModelFile(name, folder, f"{repository}::{path}")


def model(repository: str, name: str, path: str = "split_files/diffusion_models/") -> ModelFile:
    """A diffusion model."""
    return _file("diffusion_models", repository, path, name)


def encoder(repository: str, name: str, path: str = "split_files/text_encoders/") -> ModelFile:
    """A text encoder."""
    return _file("text_encoders", repository, path, name)


def vae(repository: str, name: str, path: str = "split_files/vae/") -> ModelFile:
    """An autoencoder."""
    return _file("vae", repository, path, name)


def lora(repository: str, name: str) -> ModelFile:
    """A LoRA."""
    return _file("loras", repository, "", name)


def checkpoint(repository: str, name: str) -> ModelFile:
    """A checkpoint: model, text encoders and autoencoder in one file."""
    return _file("checkpoints", repository, "", name)


CLIP_L = encoder("comfyanonymous/flux_text_encoders", "clip_l.safetensors", "")
T5 = encoder("comfyanonymous/flux_text_encoders", "t5xxl_fp16.safetensors", "")
T5_FP8 = encoder("comfyanonymous/flux_text_encoders", "t5xxl_fp8_e4m3fn_scaled.safetensors", "")
FLUX_VAE = vae("Comfy-Org/Lumina_Image_2.0_Repackaged", "ae.safetensors")
QWEN_VL = encoder("Comfy-Org/Qwen-Image_ComfyUI", "qwen_2.5_vl_7b_fp8_scaled.safetensors")
QWEN_VAE = vae("Comfy-Org/Qwen-Image_ComfyUI", "qwen_image_vae.safetensors")
QWEN_3 = encoder("Comfy-Org/z_image_turbo", "qwen_3_4b.safetensors")
UMT5 = encoder("Comfy-Org/Wan_2.1_ComfyUI_repackaged", "umt5_xxl_fp8_e4m3fn_scaled.safetensors")
WAN_VAE = vae("Comfy-Org/Wan_2.2_ComfyUI_Repackaged", "wan_2.1_vae.safetensors")
