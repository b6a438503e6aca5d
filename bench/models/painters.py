"""What makes a picture from a prompt: the demo model, or model files through ComfyUI's own loaders."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from models.demo_stage import DemoStage, Shot

# Encodes a text for the model.
Encode = Callable[[str], list]


class Painter(Protocol):
    """Samples and decodes; settings: a TapSettings, or None for stock."""

    model: str

    def paint(self, index: int, prompt: str, seed: int, settings: object, steps: int | None = None) -> Shot:
        """The picture of a prompt, the `index`-th of the list, from a seed; seconds are the sampler's.

        steps: other than its own, to warm up.
        """
        ...


class DemoPainter:
    """The demo model understands scenes, not words: the n-th prompt stands for the n-th scene that it never saw."""

    def __init__(self, size: int, steps: int, cfg: float, sampler: str, scheduler: str) -> None:
        self._stage = DemoStage(size, steps, cfg, sampler, scheduler)
        self.model = f"demo {self._stage.fingerprint}"

    def paint(self, index: int, prompt: str, seed: int, settings: object, steps: int | None = None) -> Shot:
        """See Painter."""
        return self._stage.shoot(9000 + index, seed, settings, steps=steps)


@dataclass
class FilePainter:
    """Model files as the loader nodes take them; `encode` replaces the text encoders' files."""

    diffusion_model: Path
    vae: Path
    text_encoders: Sequence[Path]
    kind: str
    size: int
    steps: int
    cfg: float
    guidance: float
    sampler: str
    scheduler: str
    encode: Encode | None = None

    @cached_property
    def model(self) -> str:
        """Name of the file, and what tells it from another of the same name: its size and its beginning."""
        with self.diffusion_model.open("rb") as file:
            head = hashlib.sha256(file.read(1 << 20)).hexdigest()[:12]
        return f"{self.diffusion_model.name} {self.diffusion_model.stat().st_size} {head}"

    @cached_property
    def _patcher(self) -> object:
        import comfy.sd

        return comfy.sd.load_diffusion_model(str(self.diffusion_model))

    @cached_property
    def _vae(self) -> object:
        import comfy.sd
        import comfy.utils

        weights, metadata = comfy.utils.load_torch_file(str(self.vae), return_metadata=True)
        return comfy.sd.VAE(sd=weights, metadata=metadata)

    @cached_property
    def _encode(self) -> Encode:
        if self.encode is not None:
            return self.encode
        import comfy.sd

        kind = comfy.sd.CLIPType[self.kind.upper()]
        clip = comfy.sd.load_clip(ckpt_paths=[str(path) for path in self.text_encoders], clip_type=kind)
        return lambda text: clip.encode_from_tokens_scheduled(clip.tokenize(text))

    def paint(self, index: int, prompt: str, seed: int, settings: object, steps: int | None = None) -> Shot:
        """See Painter."""
        import comfy.sample
        import node_helpers
        import torch
        from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
        from tap_pack.tap_core.record.holder import RecordHolder

        model, holder = self._patcher, RecordHolder()
        if settings is not None:
            model = model.clone()
            TapPatch(settings, holder).install(model)
        with torch.inference_mode():
            positive = node_helpers.conditioning_set_values(self._encode(prompt), {"guidance": self.guidance})
            latent = self._empty_latent(model)
            noise = comfy.sample.prepare_noise(latent, seed)
            started = time.perf_counter()
            sampled = comfy.sample.sample(
                model, noise, steps or self.steps, self.cfg, self.sampler, self.scheduler, positive, self._encode(""),
                latent, disable_pbar=True, seed=seed,
            )
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds = time.perf_counter() - started
            picture = self._vae.decode(sampled).float().cpu()
        # Frames of a video stand below one another.
        return Shot(picture.reshape(-1, *picture.shape[-2:]), seconds, holder.latest, sampled.float().cpu())

    def _empty_latent(self, model: object) -> object:
        import comfy.sample
        import torch

        form = model.get_model_object("latent_format")
        side = self.size // form.spacial_downscale_ratio
        return comfy.sample.fix_empty_latent_channels(model, torch.zeros(1, form.latent_channels, side, side))
