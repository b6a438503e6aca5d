"""Runs of a tiny FLUX as a SamplerCustomAdvanced node does them."""

from __future__ import annotations

from collections.abc import Callable

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from tiny_flux import prompt
from watched_runs import Callback, Sample

STEPS = 12
SIZE = (1, 16, 4, 6)


def sigmas_of(model: ModelPatcher, steps: int = STEPS) -> Tensor:
    """Those of a BasicScheduler node."""
    return comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", steps)


def custom(sampler: Callable[[], object], guider: Callable[..., comfy.samplers.CFGGuider] = comfy.samplers.CFGGuider,
           sigmas: Tensor | None = None, disable_pbar: bool = True) -> Sample:
    """A run with a sampler object and a guider, each made anew for it."""

    def sample(model: ModelPatcher, callback: Callback) -> Tensor:
        made, latent = guider(model), torch.zeros(SIZE)
        made.set_conds(prompt(), prompt(seed=2))
        made.set_cfg(2.0)
        return made.sample(comfy.sample.prepare_noise(latent, 5), latent, sampler(),
                           sigmas_of(model) if sigmas is None else sigmas.clone(), callback=callback,
                           disable_pbar=disable_pbar, seed=5)

    return sample


def euler(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool) -> Tensor:
    """Euler's method."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
        callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
    return x


def stirred(draw: Callable[[Tensor], Tensor], amount: float, first: int = 0) -> comfy.samplers.KSAMPLER:
    """Euler's method, which from step `first` on adds an amount of what it draws, for -1 before its first evaluation.

    An amount of 0.2 looks like noise, one of 0.005 like a turn.
    """

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable,
               disable: bool) -> Tensor:
        if first < 0:
            x = x + amount * sigmas[0] * draw(x)
        for i in range(len(sigmas) - 1):
            denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            x = denoised + (x - denoised) * (sigmas[i + 1] / sigmas[i])
            if i >= first:
                x = x + amount * sigmas[i + 1] * draw(x)
        return x

    return comfy.samplers.KSAMPLER(sample)


class OwnGenerator:
    """A generator that nobody but its sampler knows. drawn: how often it was asked."""

    def __init__(self, before: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(3)
        self.drawn = 0
        for _ in range(before):
            self(torch.empty(SIZE))

    def __call__(self, x: Tensor) -> Tensor:
        self.drawn += 1
        return torch.randn(x.shape, generator=self.generator)
