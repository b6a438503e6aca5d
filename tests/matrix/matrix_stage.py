"""The models of the matrix: tiny ones of ComfyUI's own classes, and the demo model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import comfy.sample
import comfy.samplers
import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

import tiny_flux
from tiny_fallbacks import FALLBACK_ROWS
from tiny_models import TinyModel, patcher
from tiny_wan_family import T2V

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo" / "models" / "diffusion_models" / "tap_demo_flux.safetensors"
STEPS = 12


@dataclass(frozen=True)
class Stage:
    """A model, its prompts and its sampling. shape: of one latent; context, pooled: channels of a prompt."""

    name: str
    build: Callable[[], ModelPatcher]
    shape: tuple[int, ...]
    context: int = 48
    pooled: int = 0

    def prompt(self, seed: int = 1, words: int = 7, **extra: object) -> list:
        """Conditioning as a text of this many tokens gives it."""
        random = torch.Generator().manual_seed(seed)
        values = {"pooled_output": 10 * torch.randn(1, self.pooled, generator=random)} if self.pooled else {}
        return [[10 * torch.randn(1, words, self.context, generator=random), {**values, **extra}]]

    def negative(self) -> list:
        """The other prompt."""
        return self.prompt(seed=2)

    def latent(self, batch: int = 1, seed: int | None = None) -> Tensor:
        """An empty latent, or a picture of noise."""
        shape = (batch, *self.shape)
        return torch.zeros(shape) if seed is None else torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    def sample(self, model: ModelPatcher, steps: int = STEPS, cfg: float = 2.0, sampler: str = "euler",
               scheduler: str = "simple", *, positive: list | None = None, negative: list | None = None,
               latent: Tensor | None = None, seed: int = 5, **options: object) -> Tensor:
        """What a KSampler node makes."""
        latent = self.latent() if latent is None else latent
        return comfy.sample.sample(
            model, comfy.sample.prepare_noise(latent, seed), steps, cfg, sampler, scheduler,
            self.prompt() if positive is None else positive, self.negative() if negative is None else negative,
            latent, disable_pbar=True, seed=seed, **options,
        )

    def guided(self, guider: comfy.samplers.CFGGuider, steps: int = STEPS, sampler: str = "euler",
               sigmas: Tensor | None = None, latent: Tensor | None = None, **options: object) -> Tensor:
        """What a SamplerCustomAdvanced node makes with this guider."""
        latent = self.latent() if latent is None else latent
        sampling = guider.model_patcher.get_model_object("model_sampling")
        if sigmas is None:
            sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", steps)
        made = comfy.samplers.sampler_object(sampler) if isinstance(sampler, str) else sampler
        return guider.sample(comfy.sample.prepare_noise(latent, 5), latent, made, sigmas, disable_pbar=True, seed=5,
                             **options)


class DemoStage(Stage):
    """The trained demo model, in scenes."""

    def prompt(self, seed: int = 1, words: int = 0, **extra: object) -> list:
        """A scene; every seed gives another one."""
        from tap_pack.demo.scenes import random_scene
        from tap_pack.nodes.demo_scene import TapDemoScene

        ((context, values),) = TapDemoScene.execute(**random_scene(seed)).result[0]
        return [[context, {**values, **extra}]]

    def negative(self) -> list:
        """The empty scene."""
        from tap_pack.demo.scenes import random_scene
        from tap_pack.nodes.demo_scene import TapDemoScene

        return TapDemoScene.execute(**random_scene(1)).result[1]


def _tiny(row: TinyModel, shape: tuple[int, ...]) -> Stage:
    # Every row builds its own model: another row may have patched a shared one.
    return Stage(row.name, lambda: patcher(row.build_anew()), shape, row.context, row.pooled or 0)


@lru_cache(maxsize=1)
def _demo() -> ModelPatcher:
    return comfy.sd.load_diffusion_model(str(DEMO))


STAGES: dict[str, Stage] = {
    "FLUX": Stage("FLUX", tiny_flux.tiny_flux, (16, 4, 6), pooled=64),
    "Wan": _tiny(T2V, (16, 3, 4, 6)),
    "UNet": _tiny(FALLBACK_ROWS[0], (4, 8, 12)),
    "SDXL": _tiny(FALLBACK_ROWS[2], (4, 8, 12)),
    "demo model": DemoStage("demo model", lambda: _demo().clone(), (16, 16, 16)),
}
