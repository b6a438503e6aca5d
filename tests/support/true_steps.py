"""Steps that TAP says it computed, and those that it forecast, against what stock gives for the same picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.record.record import TapRecord
from torch import Tensor

from tiny_flux import Accelerated
from tiny_models import TinyModel, prompt


class Answers:
    """Euler's method, which keeps what it asked and got. given: pictures to ask for in place of its own."""

    def __init__(self, given: list[Tensor] | None = None) -> None:
        self._given, self.asked, self.got = given, [], []

    def __call__(self, model: Callable[..., Tensor], x: Tensor, sigmas: Tensor, extra_args: dict | None = None,
                 callback: object = None, disable: bool | None = None) -> Tensor:
        for step, (sigma, following) in enumerate(pairwise(sigmas)):
            x = x if self._given is None else self._given[step]
            denoised = model(x.clone(), sigma.expand(len(x)), **(extra_args or {}))
            self.asked.append(x.clone())
            self.got.append(denoised.clone())
            x = x + (x - denoised) / sigma * (following - sigma)
        return x


@dataclass(frozen=True)
class Errors:
    """Relative errors of the answers: of computed steps and of forecast ones; record: the run's."""

    computed: list[float]
    forecast: list[float]
    record: TapRecord


def errors_of(build: Callable[[], ModelPatcher], row: TinyModel, steps: int, control: object = None, **inputs: object
              ) -> Errors:
    """Sample a row's first size without guidance; control: a ControlNet; inputs: see Accelerated."""
    accelerated, with_tap = Accelerated(build(), warmup_steps=2, **inputs), Answers()
    with torch.inference_mode():
        _sample(accelerated.model, row, steps, with_tap, control)
        stock = Answers(with_tap.asked)
        _sample(build(), row, steps, stock, control)
    errors = [float((one - other).norm() / other.norm()) for one, other in zip(with_tap.got, stock.got, strict=True)]
    full = set(accelerated.record.full_steps)
    return Errors([error for step, error in enumerate(errors) if step in full],
                  [error for step, error in enumerate(errors) if step not in full], accelerated.record)


def _sample(model: ModelPatcher, row: TinyModel, steps: int, sampler: Answers, control: object) -> None:
    latent = torch.zeros(1, *next(iter(row.sizes)))
    sides = [prompt(row, latent, seed) for seed in (1, 2)]
    if control is not None:
        for side in sides:
            side[0][1].update(control=control, control_apply_to_uncond=False)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", steps)
    comfy.sample.sample_custom(model, comfy.sample.prepare_noise(latent, 5), 1.0, comfy.samplers.KSAMPLER(sampler),
                               sigmas, *sides, latent, disable_pbar=True, seed=5)
