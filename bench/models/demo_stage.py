"""The demo model on this computer, sampled in ComfyUI's own path, with or without TAP."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from figures.places import ROOT

MODELS = ROOT / "demo" / "models"


def fingerprint(weights: Path) -> str:
    """A file of weights in twelve letters."""
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:12]


@dataclass
class Shot:
    """One sampling. picture: [H, W, 3] in 0..1; latent: [1, C, h, w]; seconds of one processor in the sampler.

    record: TAP's, else None.
    """

    picture: object
    seconds: float
    record: object = None
    latent: object = None


class DemoStage:
    """Samples scenes of the demo model, size x size pixels; `steps`, `cfg` and `sampler` as in the demo workflow."""

    def __init__(self, size: int = 256, steps: int = 50, cfg: float = 2.0, sampler: str = "euler",
                 scheduler: str = "simple") -> None:
        import comfy.sd
        import comfy.utils

        self.size, self.steps, self.cfg, self.sampler, self.scheduler = size, steps, cfg, sampler, scheduler
        flux = MODELS / "diffusion_models" / "tap_demo_flux.safetensors"
        self.fingerprint = fingerprint(flux)
        self.model = comfy.sd.load_diffusion_model(str(flux))
        weights, metadata = comfy.utils.load_torch_file(
            str(MODELS / "vae" / "tap_demo_vae.safetensors"), return_metadata=True
        )
        self.vae = comfy.sd.VAE(sd=weights, metadata=metadata)

    def shoot(self, scene: int, seed: int, settings: object = None, steps: int | None = None,
              decode: bool = True, patch: type | None = None) -> Shot:
        """Sample and decode the scene of a number from a seed; settings: a TapSettings, or None for stock.

        patch: another class than TapPatch to install them with.
        """
        from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
        from tap_pack.tap_core.record.holder import RecordHolder

        model, holder = self.model, RecordHolder()
        if settings is not None:
            model = self.model.clone()
            (patch or TapPatch)(settings, holder).install(model)
        sampled, seconds = self._sampled(model, scene, seed, steps)
        return Shot(self._decoded(sampled) if decode else None, seconds, holder.latest, sampled)

    def _sampled(self, model: object, scene: int, seed: int, steps: int | None = None) -> tuple[object, float]:
        """The latent, and the sampler's seconds."""
        import comfy.sample
        import torch

        positive, negative = scene_conditioning(scene)
        latent = torch.zeros(1, 16, self.size // 8, self.size // 8)
        noise = comfy.sample.prepare_noise(latent, seed)
        with torch.inference_mode():
            started = time.process_time()
            sampled = comfy.sample.sample(
                model, noise, steps or self.steps, self.cfg, self.sampler, self.scheduler, positive,
                negative, latent, disable_pbar=True, seed=seed,
            )
            return sampled, time.process_time() - started

    def _decoded(self, latent: object) -> object:
        import torch

        with torch.inference_mode():
            return self.vae.decode(latent)[0].float()


def scene_conditioning(scene: int) -> tuple[list, list]:
    """Positive and negative of the scene with this number, which no training saw."""
    from tap_pack.demo.scenes import random_scene
    from tap_pack.nodes.demo_scene import TapDemoScene

    return TapDemoScene.execute(**random_scene(scene)).result
