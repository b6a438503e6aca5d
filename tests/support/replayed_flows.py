"""An equation with a known full run, samplers in a few lines, and their runs with skipped steps, replayed or not.

d = (x - denoised) / sigma: the slope that a model gives a sampler. `model(x, sigma)` returns denoised, [B, C].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from tap_pack.tap_core.sampling.replay import Replay
from torch import Tensor

Model = Callable[[Tensor, float], Tensor]
Slope = Callable[[Tensor, float], Tensor]
Sampler = Callable[[Model, Tensor, Sequence[float], torch.Generator], Tensor]

ROTATION = torch.tensor([[-0.5, 1.3], [-1.3, -0.2]], dtype=torch.float64)
START = torch.tensor([[1.0, 2.0]], dtype=torch.float64)


def driven(x: Tensor, sigma: float) -> Tensor:
    """dx/dsigma of a driven, rotating flow."""
    drive = torch.tensor([math.sin(3 * sigma), math.cos(2 * sigma)], dtype=torch.float64)
    return x @ ROTATION.T + drive


def pulled(stiffness: float) -> Slope:
    """dx/dsigma of a flow that is pulled to a moving place."""
    return lambda x, sigma: stiffness * (
        x - torch.tensor([math.cos(3 * sigma), math.sin(2 * sigma)], dtype=torch.float64))


class GoAgain(Exception):
    """Leaves the sampler."""


class Run:
    """One run of a sampler, whose skipped evaluations are forecast along a line through the newest full slopes.

    skips: whether an evaluation is skipped, by its number and sigma. order: 0 repeats the newest slope.
    asked: every x of every pass. told, given: the sigma of each evaluation, and what the model or the forecast gave.
    """

    def __init__(self, skips: Callable[[int, float], bool], replay: Replay | None = None, order: int = 1,
                 flow: Slope = driven, seed: int = 5) -> None:
        self.replay, self.asked, self.told, self.given, self.computed = replay, [], [], [], 0
        self._skips, self._order, self._flow, self._seed = skips, order, flow, seed
        self._slopes: list[tuple[float, Tensor]] = []  # (sigma, d) of full evaluations, newest first, one a sigma

    def sample(self, sampler: Sampler, sigmas: Sequence[float], x: Tensor = START) -> Tensor:
        """The picture; the sampler goes again, with its generator put back, as often as the replay asks for it."""
        while True:
            self.asked.append([])
            try:
                return sampler(self._denoised, x.clone(), sigmas, torch.Generator().manual_seed(self._seed))
            except GoAgain:
                pass

    def _denoised(self, x: Tensor, sigma: float) -> Tensor:
        number = len(self.asked[-1])
        self.asked[-1].append(x)
        if self.replay is not None and number < self.replay.known:
            return self.replay.answer(number, x)
        full = not self._skips(number, sigma)
        denoised = x - sigma * self._slope(x, sigma, full)
        self.told.append(sigma)
        self.given.append(denoised)
        self.computed += full
        if self.replay is not None and self.replay.add(x, denoised, sigma, full):
            raise GoAgain
        return denoised

    def _slope(self, x: Tensor, sigma: float, full: bool) -> Tensor:
        if full:
            slope = self._flow(x, sigma)
            self._slopes = [(sigma, slope), *(each for each in self._slopes if each[0] != sigma)][:2]
            return slope
        if len(self._slopes) == 1 or self._order == 0:
            return self._slopes[0][1]
        (s0, d0), (s1, d1) = self._slopes
        return d0 + (d0 - d1) / (s0 - s1) * (sigma - s0)


def error(sampler: Sampler, sigmas: Sequence[float], replay: Replay | None, order: int, interval: int = 5,
          **options: object) -> float:
    """How far a run with skipped steps ends from the full run of the same sampler, with the same noise."""
    full = Run(never, **options).sample(sampler, sigmas)
    return (Run(every(sigmas, interval), replay, order, **options).sample(sampler, sigmas) - full).norm().item()


def every(sigmas: Sequence[float], interval: int) -> Callable[[int, float], bool]:
    """Skips all evaluations but those of every so many steps, of the first three and of the last one."""
    starts = [sigma + 0.41 * (sigma - after) for sigma, after in pairwise(sigmas)]  # a step may begin with churn

    def skips(number: int, sigma: float) -> bool:
        step = max(i for i, start in enumerate(starts) if sigma <= start or i == 0)
        return step % interval > 0 and 2 < step < len(starts) - 1

    return skips


def never(number: int, sigma: float) -> bool:
    """Skips nothing."""
    return False


def euler(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """One evaluation a step."""
    for sigma, after in pairwise(sigmas):
        x = x + (x - model(x, sigma)) / sigma * (after - sigma)
    return x


def heun(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Two evaluations a step; the second is at the next step's sigma."""
    for sigma, after in pairwise(sigmas):
        slope = (x - model(x, sigma)) / sigma
        if after > 0:
            there = x + slope * (after - sigma)
            slope = (slope + (there - model(there, after)) / after) / 2
        x = x + slope * (after - sigma)
    return x


def midpoint(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """The second evaluation of a step is between two sigmas, as dpm_2's."""
    for sigma, after in pairwise(sigmas):
        slope = (x - model(x, sigma)) / sigma
        if after > 0:
            middle = math.sqrt(sigma * after)
            there = x + slope * (middle - sigma)
            slope = (there - model(there, middle)) / middle
        x = x + slope * (after - sigma)
    return x


def multistep(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Adams-Bashforth of order 2: it remembers the slope of the step before."""
    before = None
    for sigma, after in pairwise(sigmas):
        slope = (x - model(x, sigma)) / sigma
        bend = 0 if before is None else (slope - before[1]) / (sigma - before[0]) * (after - sigma) / 2
        before, x = (sigma, slope), x + (slope + bend) * (after - sigma)
    return x


def dpmpp_2m(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """DPM-Solver++(2M) of a flow model: it remembers the denoised picture of the step before."""
    before = None
    for sigma, after in pairwise(sigmas):
        denoised = picture = model(x, sigma)
        if before is not None and after > 0:
            last, here, there = (math.log(1 / each - 1 + 1e-9) for each in (before[0], sigma, after))
            picture = denoised + (denoised - before[1]) * (there - here) / (here - last) / 2
        before, x = (sigma, denoised), x * (after / sigma) + picture * (1 - after / sigma)
    return x


def ancestral(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Each step goes further down, and fresh noise brings it up again, as euler_ancestral's."""
    for sigma, after in pairwise(sigmas):
        down = after**2 / sigma
        x = _noised(x + (x - model(x, sigma)) / sigma * (down - sigma), down, after, noise)
    return x


def churning(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Each step begins with noise that takes it up again, to a sigma of no list."""
    for sigma, after in pairwise(sigmas):
        higher = sigma + 0.4 * (sigma - after)
        x = _noised(x, sigma, higher, noise)
        x = x + (x - model(x, higher)) / higher * (after - higher)
    return x


def corrected(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Predict, evaluate, correct, evaluate: the model is asked twice at a sigma."""
    slope = (x - model(x, sigmas[0])) / sigmas[0]
    for sigma, after in pairwise(sigmas[:-1]):
        there = x + slope * (after - sigma)
        x = x + (slope + (there - model(there, after)) / after) / 2 * (after - sigma)
        slope = (x - model(x, after)) / after
    return x - slope * sigmas[-2]


def restarting(model: Model, x: Tensor, sigmas: Sequence[float], noise: torch.Generator) -> Tensor:
    """Euler's method, which goes a quarter of the run up again when it is half way down."""
    half, quarter = len(sigmas) // 2, len(sigmas) // 4
    x = _noised(euler(model, x, sigmas[: half + 1], noise), sigmas[half], sigmas[quarter], noise)
    return euler(model, x, sigmas[quarter:], noise)


def _noised(x: Tensor, sigma: float, higher: float, noise: torch.Generator) -> Tensor:
    return x + math.sqrt(higher**2 - sigma**2) * torch.randn(x.shape, generator=noise, dtype=x.dtype)


WITHOUT_NOISE = (euler, heun, midpoint, corrected, multistep, dpmpp_2m)
NOISY = (ancestral, churning, restarting)
SAMPLERS = WITHOUT_NOISE + NOISY
