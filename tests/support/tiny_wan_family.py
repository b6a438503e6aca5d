"""Tiny Wan 2.1 and 2.2, and the models made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import comfyui_version
import torch
from comfy.model_base import BaseModel
from torch import Tensor

from stand_ins import Animate2Base
from tiny_models import TinyModel

WAN = {
    "image_model": "wan2.1", "model_type": "t2v", "dim": 128, "out_dim": 16, "num_heads": 1, "ffn_dim": 256,
    "num_layers": 2, "patch_size": (1, 2, 2), "freq_dim": 256, "window_size": (-1, -1), "qk_norm": True,
    "cross_attn_norm": True, "eps": 1e-6, "in_dim": 16, "text_dim": 48,
}  # fmt: skip
TWO_SIZES = {(16, 3, 8, 12): (3, 4, 6), (16, 2, 7, 9): (2, 4, 5)}
EVEN_SIZES = {(16, 3, 8, 12): (3, 4, 6), (16, 2, 6, 4): (2, 3, 2)}
MUSIC_SIZES = {(16, 2, 8, 8): (2, 4, 4), (16, 3, 8, 16): (3, 4, 8)}
T2V = TinyModel("Wan 2.1", "WAN21_T2V", WAN, TWO_SIZES, ("blocks",))


def noise(*shape: int, seed: int = 4) -> Tensor:
    """Random values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def seen(dim: int = 1280) -> SimpleNamespace:
    """What a vision encoder says about a picture."""
    return SimpleNamespace(penultimate_hidden_states=noise(1, 5, dim))


def wan(name: str, kind: str, conditioning: Callable[[Tensor], dict[str, object]] | None = None,
        sizes: dict = TWO_SIZES, **config: object) -> TinyModel:
    """One row."""
    given = {"conditioning": conditioning} if conditioning else {}
    return replace(T2V, name=name, kind=kind, config={**WAN, **config}, sizes=sizes, **given)


def first_frame(latent: Tensor) -> dict[str, object]:
    """Image to video, Wan 2.1."""
    return {"concat_latent_image": noise(*latent.shape), "clip_vision_output": seen()}


def timed_frames(latent: Tensor) -> dict[str, object]:
    """Image to video, Wan 2.2 5B: the first frame is at time 0, all others at the sampler's."""
    mask = torch.ones(1, *latent.shape[1:])
    mask[:, :, :1] = 0.0
    return {"denoise_mask": mask}


def reference_frame(latent: Tensor) -> dict[str, object]:
    """A picture whose tokens come before the video's (Fun-Control)."""
    return {"reference_latents": [noise(1, 16, 1, *latent.shape[-2:])]}


def more_frames(latent: Tensor) -> dict[str, object]:
    """Frames after the video's (Phantom), and pictures after them (Bernini)."""
    return {"time_dim_concat": noise(1, *latent.shape[1:2], 1, *latent.shape[-2:]),
            "context_latents": [noise(1, 16, 1, 4, 6)]}  # fmt: skip


def companions(latent: Tensor) -> dict[str, object]:
    """A video to follow."""
    shape = (1, 32, *latent.shape[2:])
    return {"vace_frames": [noise(*shape), noise(*shape, seed=5)], "vace_strength": [0.7, 0.4],
            "vace_mask": [torch.ones(1, 64, *latent.shape[2:])] * 2}  # fmt: skip


def camera(latent: Tensor) -> dict[str, object]:
    """A path of the camera."""
    return {"camera_conditions": noise(1, 24, latent.shape[2], latent.shape[3] * 8, latent.shape[4] * 8)}


def speech(latent: Tensor) -> dict[str, object]:
    """A voice, for S2V: sound, a portrait, and the frames before."""
    return {"audio_embed": noise(1, 25, 8, latent.shape[2] * 4), "reference_motion": noise(1, 16, 19, 8, 8),
            "reference_latents": [noise(1, 16, 1, *latent.shape[-2:])],
            "control_video": noise(*latent.shape)}  # fmt: skip


def humming(latent: Tensor) -> dict[str, object]:
    """A voice and a portrait, for HuMo."""
    return {"audio_embed": noise(1, latent.shape[2], 8, 5, 1280) * 0.1,
            "reference_latents": [noise(1, 16, 1, *latent.shape[-2:])]}  # fmt: skip


def actor(latent: Tensor) -> dict[str, object]:
    """A pose and a face, for Animate."""
    return {"pose_video_latent": noise(1, 16, latent.shape[2] - 1, *latent.shape[-2:]),
            "face_video_pixels": noise(1, 3, 4 * (latent.shape[2] - 1), 8, 8), **first_frame(latent)}  # fmt: skip


def pose(latent: Tensor) -> dict[str, object]:
    """A pose, for Animate 2; frame 0 of the latent is the reference picture's."""
    return {"pose_video_latent": noise(1, 16, latent.shape[2] - 1, *latent.shape[-2:])}


def posed(latent: Tensor) -> dict[str, object]:
    """Two portraits and a pose, for SCAIL."""
    return {"reference_latents": [noise(1, 16, 1, *latent.shape[-2:]), noise(1, 16, 1, *latent.shape[-2:], seed=5)],
            "pose_video_latent": noise(1, 16, latent.shape[2], *latent.shape[-2:])}  # fmt: skip


def music(fps: float) -> Callable[[Tensor], dict[str, object]]:
    """Music, for WanDancer."""
    return lambda latent: {"audio_embed": noise(1, 12, 35), "fps": fps, **first_frame(latent)}


def without_face_encoder(config: object) -> BaseModel:
    """Animate without its face encoder, which is large and not needed here."""
    model = config.get_model({}, "")
    del model.diffusion_model.motion_encoder
    model.diffusion_model.motion_encoder = SimpleNamespace(get_motion=lambda faces: noise(len(faces), 512))
    return model

# In its first version, ComfyUI took its frame rate for only one picture.
DANCER = replace(
    wan("WanDancer", "WAN22_WanDancer", None, MUSIC_SIZES, model_type="wandancer", in_dim=36,
        audio_inject_layers=[0, 1]),
    lone=comfyui_version.__version__ < "0.30.0",
)  # fmt: skip

WAN_ROWS = [
    T2V,
    wan("Wan 2.1, image to video", "WAN21_I2V", first_frame, model_type="i2v", in_dim=36),
    wan("Wan 2.1 Fun-Control, reference frame", "WAN21_FunControl2V", reference_frame, EVEN_SIZES, model_type="i2v",
        in_dim=48, in_dim_ref_conv=16),
    wan("Wan 2.1, frames behind", "WAN21_T2V", more_frames),
    wan("Wan 2.2 5B", "WAN22_T2V", sizes={(48, 3, 8, 12): (3, 4, 6), (48, 2, 7, 9): (2, 4, 5)}, in_dim=48, out_dim=48),
    wan("Wan 2.2 5B, image to video", "WAN22_T2V", timed_frames, in_dim=48, out_dim=48,
        sizes={(48, 3, 8, 12): (3, 4, 6), (48, 2, 6, 4): (2, 3, 2)}),
    wan("Wan VACE", "WAN21_Vace", companions, EVEN_SIZES, model_type="vace", vace_layers=1, vace_in_dim=96),
    wan("Wan Camera", "WAN21_Camera", camera, EVEN_SIZES, model_type="camera", in_dim=32),
    wan("Wan HuMo", "WAN21_HuMo", humming, EVEN_SIZES, model_type="humo"),
    wan("Wan S2V", "WAN22_S2V", speech, EVEN_SIZES, model_type="s2v", audio_dim=8, audio_inject_layers=[0, 1]),
    replace(wan("Wan Animate", "WAN22_Animate", actor, EVEN_SIZES, model_type="animate", in_dim=36, num_layers=5),
            model=without_face_encoder),
    # Its blocks are called by other names than `forward`; this counts the video's and the pose's way through them.
    replace(wan("Wan Animate 2, stand-in", "WAN21_T2V", pose, EVEN_SIZES), model=Animate2Base,
            blocks=("blocks.0.ffn", "blocks.1.ffn")),
    wan("Wan SCAIL", "WAN21_SCAIL", posed, EVEN_SIZES, model_type="scail", in_dim=20),
    wan("Wan SCAIL-2", "WAN21_SCAIL2", posed, EVEN_SIZES, model_type="scail2", in_dim=20, mask_in_dim=28),
    replace(DANCER, name="WanDancer", conditioning=music(30.0)),
    replace(DANCER, name="WanDancer, 15 frames a second", conditioning=music(15.0)),
]  # fmt: skip
