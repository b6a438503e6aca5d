"""Repaying the drift: the next full step corrects the error of the skipped steps in x, without a model call.

sigma_i: noise level of the full step.  d = (x - denoised) / sigma: the sampler's slope, after guidance.
Both are the sampler's own, also where the model is told another sigma (motion.py): drift is about where x went.
Between two full steps the sampler moved along forecast slopes. Once the later one is known, the slopes in between can
be interpolated, and the difference is the drift (bench/drift/README.md). They are interpolated over log-noise, where
a trajectory bends most evenly; over sigma the PSNR is 0.3 to 0.8 dB lower (bench/placement/README.md).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..noise_level import log_noise
from .motion import Motion
from .still_share import still_share

# Slopes are interpolated by the polynomial through the newest full step and up to this many before it. A third one
# gains nothing where full steps are even, and harms after the paper's warm-up, where they are close together.
DEGREE = 2

# A drift of this share of the distance moved is repaid by half where drifts turn round from one full step to the next:
# with strong guidance, repaying all of it made the picture swing more and more (bench/drift/README.md).
LARGE = 0.3


class Drift:
    """The drift of one run. x, denoised: the sampler's latents [B, C, ...]; sigma: its noise level.

    It is repaid through the denoised picture that the sampler gets. This moves x as intended only where the sampler
    makes plain steps along d; elsewhere nothing is added.
    """

    def __init__(self, motion: Motion) -> None:
        self._motion, self._mixed = motion, motion.timeline.mixes
        self._still = still_share(self._mixed)
        self._slopes: list[tuple[float, Tensor]] = []  # (log-noise, d) of full steps, newest first
        self._skipped: list[tuple[float, float]] = []  # (log-noise, step in sigma) of skipped steps since then
        self._moved: Tensor | None = None  # how far the skipped steps moved x
        self._last: Tensor | None = None  # the drift at the full step before

    def repay(self, x: Tensor, denoised: Tensor, sigma: float, position: float, full: bool) -> Tensor:
        """The denoised picture for the sampler: `denoised`, or at a full step after skipped ones one that repays."""
        step = self._motion.step(sigma, position)
        if step is None:
            self._slopes, self._last = [], None
            self._end_gap()
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
        self._end_gap()
        return denoised

    def _repayment(self, sigma: float, step: float, nodes: Sequence[tuple[float, Tensor]]) -> Tensor:
        """What to add to the denoised picture: the part of the drift that is left at the next sigma.

        The full step was computed at the drifted x. If its denoised picture stays still, sigma_{i+1} / sigma_i of the
        drift is left after it; if it moves along with x, all of it.
        """
        shares = interpolation([place for place, _ in nodes], self._skipped)
        drift = sum(share * d for share, (_, d) in zip(shares, nodes, strict=True)) - self._moved
        repaid, self._last = self._damped(drift), drift
        return torch.where(self._motion.plain, repaid * ((sigma + self._still * step) / -step), 0)

    def _damped(self, drift: Tensor) -> Tensor:
        """The part of the drift [B, C, ...] that does not make the picture swing, see LARGE."""
        if self._last is None:
            return drift
        square, last, moved = (_dot(part, part) for part in (drift, self._last, self._moved))
        turns = (-2 * _dot(drift, self._last) * (square * last).rsqrt()).clamp(0, 1)
        return drift / (1 + turns * (square / (moved * LARGE**2)).square()).nan_to_num(nan=1)

    def _end_gap(self) -> None:
        self._skipped, self._moved = [], None


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Dot product for each picture: [B, C, ...] -> [B, 1, ...]."""
    return (one * other).sum(tuple(range(1, one.ndim)), keepdim=True)


def interpolation(nodes: Sequence[float], steps: Sequence[tuple[float, float]]) -> list[float]:
    """Weight of each node's slope in the sum of interpolated slopes times steps; steps: (place, step in sigma)."""
    shares = [0.0] * len(nodes)
    for place, step in steps:
        for k, node in enumerate(nodes):
            others = (other for other in nodes if other != node)
            shares[k] += step * math.prod((place - other) / (node - other) for other in others)
    return shares
