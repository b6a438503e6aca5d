"""Drifts: how far the gaps of a run moved the picture off its path (tap_core/closeness.py says what that means).

d: the slope of an evaluation, and t its noise level, see slopes.py. At the full step after a gap the slopes in it are
re-estimated by interpolation, as in replay.py. The gap's drift is the mean of these minus the mean of the forecast
ones, times the way in t. It is measured the same where nothing is repaid. Before a gap has shown that, full steps show
how far a slope surprises, see Seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..noise_level import log_noise, noise_level
from ..predictors.lagrange import lagrange
from .interpolation import DEGREE, spaced
from .slopes import Slopes
from .trend import Trend

# How much a drift counts: of one that is repaid less stays in the picture, of one under fresh noise more.
REPAID, NOT_REPAID, UNDER_NOISE = 1.0, 1.2, 2.2
# A gap after a single full step is forecast by repeating it, which changes the picture most.
ONE_STEP = 0.45


@dataclass
class OpenGap:
    """Skipped evaluations since the latest full one. total: the sum of their slopes [B, C, ...]; start: first t."""

    total: Tensor
    start: float
    places: list[float] = field(default_factory=list)


class Drifts:
    """Of one run; it never waits for the device. mixed: whether x is a mix of picture and noise; slopes: the run's.

    surprise: of the latest evaluation, see Seen; nothing is computed for it once a gap has told what it drifted.
    """

    def __init__(self, mixed: bool, slopes: Slopes | None = None) -> None:
        self._mixed, self._slopes = mixed, slopes or Slopes(mixed)
        self._fulls: list[tuple[float, Tensor]] = []  # log-noise and slope of full evaluations, newest first
        self._came: list[float] = []  # log-noise of the last three evaluations
        self._gap: OpenGap | None = None
        self._sum: Tensor | None = None
        self._latest: Tensor | None = None
        self._picture: Tensor | None = None
        self.trend = Trend()
        self.surprise: Tensor | None = None
        self.unmeasured = 0  # gaps since the latest measured one
        self._breaks = False  # whether conditions changed since the latest full evaluation
        self._told = False  # whether a gap behind more than one full evaluation is closed

    def add(self, x: Tensor, denoised: Tensor, sigma: float, full: bool, counts: float = REPAID,
            noisy: Tensor | None = None) -> None:
        """Take an evaluation of x [B, C, ...]. counts: how much a drift that it closes does; noisy: see Trend."""
        self.surprise = None
        if sigma <= 0:
            return
        place, level = log_noise(sigma, self._mixed), noise_level(sigma, self._mixed)
        slope = self._slopes.slope(self._slopes.mix(x, level), denoised, level)
        self._came = [*self._came[-2:], place]
        if not full:
            self._skip(slope, level, place)
            return
        gap, self._gap = self._gap, None
        self._picture = _mean_square(denoised)
        jumps = self._breaks and bool(self._fulls) and Slopes.jump(slope, self._fulls[0][1])
        self._fulls, self._breaks = [] if jumps else self._fulls, False
        if gap is None and not self._told:
            self.surprise = self._surprise_of(slope, place)
        self.trend.add(slope, [each for _, each in self._fulls], noisy)
        if place in self._came[:-1]:  # those below it were evaluated ahead, see replay.py
            self._fulls = [each for each in self._fulls if each[0] >= place]
        known = [(place, slope), *self._fulls]
        alone = len(self._fulls) == 1
        self._fulls = [known[i] for i in spaced([each for each, _ in known], gap.places[0] if gap else place)]
        if gap is not None and len(self._fulls) > 1:
            self._told = self._told or not alone
            self._close(gap, level, counts * (ONE_STEP if alone else 1.0))
        elif gap is not None and jumps:
            self.unmeasured += 1

    def breaks(self) -> None:
        """The next evaluation to be added has other conditions, see Replay.breaks.

        Where slopes jump, the gap that it is in, or closes, cannot be measured, and counts as much as the next one.
        """
        self._breaks = True

    def _surprise_of(self, slope: Tensor, place: float) -> Tensor | None:
        """None of a level that was evaluated before, and before there is anything to go on from."""
        before = self._fulls[:2]
        if not before or place >= before[0][0]:
            return None
        foretold = zip(lagrange([each for each, _ in before], place), before, strict=True)
        return _mean_square(sum((share * each for share, (_, each) in foretold), -slope)) / self._picture

    def _skip(self, slope: Tensor, level: float, place: float) -> None:
        if self._gap is None:
            self._gap = OpenGap(slope, level)
        else:
            self._gap.total = self._slopes.plus(self._gap.total, slope)
        self._gap.places.append(place)

    def _close(self, gap: OpenGap, level: float, counts: float) -> None:
        shares = [lagrange([place for place, _ in self._fulls], place) for place in gap.places]
        drift = -gap.total
        for node, (_, slope) in enumerate(self._fulls):
            drift = drift.add_(slope, alpha=sum(share[node] for share in shares))
        self._latest = _mean_square(drift) * (counts * (level - gap.start) / len(gap.places)) ** 2
        counted = self._latest * (1 + self.unmeasured)
        self._sum, self.unmeasured = counted if self._sum is None else self._sum + counted, 0

    @property
    def both(self) -> Tensor | None:
        """Squares of the drift as a share of the picture's: of all gaps together, and of the latest one, [2, B]."""
        if self._sum is None:
            return None
        return torch.stack([self._sum + self._latest * self.unmeasured, self._latest]) / self._picture

    @property
    def open(self) -> bool:
        """Whether the latest evaluations were skipped."""
        return self._gap is not None

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        return sum(slope.nbytes for _, slope in self._fulls) + (self._gap.total.nbytes if self._gap else 0)


def _mean_square(latents: Tensor) -> Tensor:
    """The mean square of each picture, [B]."""
    return latents.float().square().reshape(len(latents), -1).mean(1)


def latents_kept(full: Sequence[bool]) -> int:
    """How many latents are kept after these full and skipped steps, one evaluation each."""
    return min(sum(full), DEGREE + 1) + (not full[-1] if any(full) else 0)
