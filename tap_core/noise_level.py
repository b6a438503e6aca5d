"""How noisy x is at a sigma, on one scale for all models.

t: share of noise in x, 0 to 1. A flow model's x = (1 - sigma) picture + sigma noise has t = sigma; where noise is added
to the picture, x = picture + sigma noise, t = sigma / (1 + sigma).
"""

import math
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

# Keeps log_noise finite for pure noise and for the clean picture, and what is smooth over sigma stays smooth there.
# Values from 0.001 to 0.1 give equally close pictures (bench/placement/README.md).
LEAST = 0.03
ROUNDING = 1e-4
Number = TypeVar("Number", float, Tensor)


def mixes(sigmas: Sequence[float]) -> bool:
    """Whether x is a mix of picture and noise, as a flow model's, as far as a run's sigmas tell: none exceeds 1.

    Other models have such sigmas too where a run starts late. ComfyUI rounds a first sigma of 1 up or down.
    """
    return max(sigmas) <= 1 + ROUNDING


def noise_level(sigma: Number, mixed: bool) -> Number:
    """t at a sigma or at each of several [J], 0 to 1; mixed: whether x is a mix of picture and noise."""
    return sigma if mixed else sigma / (1 + sigma)


def mix(x: Tensor, level: float, mixed: bool) -> Tensor:
    """x [B, C, ...] as the mix of picture and noise that a flow model would have at this noise level t.

    (1 - t) (picture + sigma noise) is (1 - t) picture + t noise: all that was measured on flow models holds there.
    """
    return x if mixed else x * (1 - level)


def log_noise(sigma: float, mixed: bool) -> float:
    """log(t / (1 - t)), minus half the logarithm of the signal-to-noise ratio (DPM-Solver, its -lambda)."""
    # A sampler that churns goes above the run's highest sigma.
    return math.log(_to_picture(min(noise_level(sigma, mixed), 1.0)))


def log_noises(sigmas: Tensor, mixed: bool) -> Tensor:
    """The same at each of several sigmas [J], with their gradients."""
    return _to_picture(noise_level(sigmas, mixed).clamp(max=1)).log()


def _to_picture(level: Number) -> Number:
    """Noise to picture, t / (1 - t), held off zero and infinity."""
    return (level + LEAST) / (1 - level + LEAST)
