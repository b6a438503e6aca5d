"""Samplers that evaluate the model several times at one noise level."""

from __future__ import annotations

from collections.abc import Callable

import comfy.samplers
import torch
from torch import Tensor


def renoising(times: int = 1) -> comfy.samplers.KSAMPLER:
    """Euler's method, which at each level adds the noise anew, and evaluates again, so many times."""

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable,
               disable: bool) -> Tensor:
        random = torch.Generator().manual_seed(3)
        for i in range(len(sigmas) - 1):
            denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
            for _ in range(times):
                x = denoised + sigmas[i] * (torch.randn(x.shape, generator=random) - denoised)
                denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        return x

    return comfy.samplers.KSAMPLER(sample)


def guided_by_another(share: float = 0.3) -> comfy.samplers.KSAMPLER:
    """Euler's method on a latent, pulled towards the answer for a second latent, whose picture is another one."""

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable,
               disable: bool) -> Tensor:
        random = torch.Generator().manual_seed(3)
        noise, picture = x.clone(), torch.randn(x.shape, generator=random)
        for i in range(len(sigmas) - 1):
            level = sigmas[i] * x.new_ones(len(x))
            denoised = model(x, level, **extra_args)
            other = model(sigmas[i] * noise + (1 - sigmas[i]) * picture, level, **extra_args)
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            denoised = denoised.lerp(other, share)
            x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        return x

    return comfy.samplers.KSAMPLER(sample)
