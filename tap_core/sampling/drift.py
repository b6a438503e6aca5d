"""Repaying the drift: what the skipped steps left undone is made good at the next full step, at no model call.

sigma_i: noise level of the full step.  d = (x - denoised) / sigma: the sampler's slope, after guidance.
Between two full steps the sampler moved along forecast slopes; once the later one is known, the slopes in between can
be interpolated, and the difference is the drift (bench/README.md, Drift). They are interpolated over log-noise, where
a trajectory bends most evenly; over sigma the picture is 0.3 to 0.8 dB farther off (bench/README.md).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..noise_level import log_noise
from .motion import Motion
from .still_share import still_share

# Slopes are interpolated by the polynomial through the newest full step and up to this many before it. A third one
# gains nothing where full steps are even, and harms behind the paper's warm-up, where they lie close together.
DEGREE = 2

# A drift of this share of the way moved is repaid by half where drifts turn about from one full step to the next:
# where guidance is strong, repaying all of it made the picture swing ever wider (bench/README.md).
LARGE = 0.3


class Drift:
    """The drift of one run. x, denoised: the sampler's latents [B, C, ...]; sigma: its noise level.

    It is repaid through the denoised picture that is handed back, which moves x as intended only where the sampler
    makes plain steps along d; elsewhere nothing is added.
    """

    def __init__(self, motion: Motion) -> None:
        self._motion, self._mixed = motion, motion.timeline.mixes
        self._still = still_share(self._mixed)
        self._slopes: list[tuple[float, Tensor]] = []  # (log-noise, d) of full steps, newest first
        self._skipped: list[tuple[float, float]] = []  # (log-noise, step in sigma) of steps since then
        self._moved: Tensor | None = None  # how far the skipped steps moved x
        self._last: Tensor | None = None  # the drift before

    def repay(self, x: Tensor, denoised: Tensor, sigma: float, position: float, full: bool) -> Tensor:
        """The denoised picture to hand to the sampler: `denoised` itself, or at a full step one that repays."""
        step = self._motion.step(sigma, position)
        if step is None:
            self._slopes, self._last = [], None
            self._settle()
            return denoised
        slope, place = (x - denoised) / sigma, log_noise(sigma, self._mixed)
        if not full:
            self._skipped.append((place, step))
            self._moved = slope * step if self._moved is None else self._moved + slope * step
            return denoised
        nodes = [(place, slope), *self._slopes][: DEGREE + 1]
        if self._skipped and self._motion.plain is not None:
            denoised = denoised + self._repayment(sigma, step, nodes)
        self._slopes = nodes
        self._settle()
        return denoised

    def _repayment(self, sigma: float, step: float, nodes: Sequence[tuple[float, Tensor]]) -> Tensor:
        """What to add to the denoised picture: the drift, as far as it is left at the next sigma.

        The full step was taken at the drifted x. If its denoised picture stands still, sigma_{i+1} / sigma_i of the
        drift is left behind it; if that moves along with x, all of it.
        """
        shares = interpolation([place for place, _ in nodes], self._skipped)
        drift = sum(share * d for share, (_, d) in zip(shares, nodes, strict=True)) - self._moved
        repaid, self._last = self._steadied(drift), drift
        return torch.where(self._motion.plain, repaid * ((sigma + self._still * step) / -step), 0)

    def _steadied(self, drift: Tensor) -> Tensor:
        """As much of the drift [B, C, ...] as does not make the picture swing."""
        if self._last is None:
            return drift
        square, last, moved = (_dot(part, part) for part in (drift, self._last, self._moved))
        turns = (-2 * _dot(drift, self._last) * (square * last).rsqrt()).clamp(0, 1)
        return drift / (1 + turns * (square / (moved * LARGE**2)).square()).nan_to_num(nan=1)

    def _settle(self) -> None:
        self._skipped, self._moved = [], None


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Of each picture: [B, C, ...] -> [B, 1, ...]."""
    return (one * other).sum(tuple(range(1, one.ndim)), keepdim=True)


def interpolation(nodes: Sequence[float], steps: Sequence[tuple[float, float]]) -> list[float]:
    """Weight of each node's slope in the sum of interpolated slopes times steps; steps: (place, step in sigma)."""
    shares = [0.0] * len(nodes)
    for place, step in steps:
        for k, node in enumerate(nodes):
            others = (other for other in nodes if other != node)
            shares[k] += step * math.prod((place - other) / (node - other) for other in others)
    return shares
