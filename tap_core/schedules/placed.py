"""As many full steps as the paper's schedule, placed where they help most."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..noise_level import noise_level
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline
from .interval import IntervalSchedule, full_steps

# At noise level t the share (1 - t)^(1/e) of a picture's change is done. Measured on three models at 7 to 12 of 50
# steps: the mean PSNR is best for e from 1.3 to 2, and half of the full steps at equal distances add 1.1 dB to it, as
# then no gap is so long that it decides the picture (bench/placement/README.md).
CHANGE_EXPONENT, EVEN_SHARE = 1.6, 0.5

Curve = Callable[[Sequence[float], bool], list[float]]


@dataclass(frozen=True)
class PlacedSchedule(Schedule):
    """First and last step full, the others at equal shares of a curve over the run (bench/placement/README.md).

    The number of full steps is that of the paper's schedule with the same interval and warm-up.
    """

    interval: int
    warmup: int
    curve: Curve

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step."""
        return Decision(full=True, reason="planned") if step in self._places(timeline) else SKIP

    @lru_cache(maxsize=8)  # noqa: B019  a handful of small frozen schedules
    def _places(self, timeline: Timeline) -> frozenset[int]:
        count = len(full_steps(IntervalSchedule(self.interval, self.warmup), timeline))
        return frozenset(place(self.curve(timeline.sigmas[:-1], timeline.mixes), count))


def even_schedule(interval: int, warmup: int) -> PlacedSchedule:
    """Full steps at equal distances, with the last step: it adds the finest details, and no later step corrects it."""
    return PlacedSchedule(interval, warmup, by_step)


def change_schedule(interval: int, warmup: int) -> PlacedSchedule:
    """More full steps where the picture changes most, no long gaps elsewhere, the last step full."""
    return PlacedSchedule(interval, warmup, by_change)


def by_change(sigmas: Sequence[float], mixed: bool) -> list[float]:
    """The mean of two curves from 0 to 1: the share of the picture's change that is done, and the share of the steps.

    mixed: whether x is a mix of picture and noise.
    """
    last, done = max(len(sigmas) - 1, 1), change_done(sigmas, mixed)
    start, change = done[0], (done[-1] - done[0]) or 1.0
    return [EVEN_SHARE * step / last + (1 - EVEN_SHARE) * (share - start) / change for step, share in enumerate(done)]


def change_done(sigmas: Sequence[float], mixed: bool) -> list[float]:
    """The share of a picture's change that is done at each noise level, from 0 to 1."""
    return [max(1 - noise_level(sigma, mixed), 0.0) ** (1 / CHANGE_EXPONENT) for sigma in sigmas]


def by_step(sigmas: Sequence[float], mixed: bool) -> list[float]:
    """The curve that rises by one per step."""
    return [float(step) for step in range(len(sigmas))]


def place(heights: Sequence[float], count: int) -> list[int]:
    """`count` different steps, with the first and the last, at equal shares of an increasing curve over the steps."""
    last = len(heights) - 1
    if count <= 1:
        return [0]
    places = [0]
    for i in range(1, count - 1):
        wanted = heights[0] + (heights[-1] - heights[0]) * i / (count - 1)
        # Never the same step twice, and room for the later ones.
        places.append(min(max(nearest(heights, wanted), places[-1] + 1), last - (count - 1 - i)))
    return [*places, last]


def nearest(heights: Sequence[float], wanted: float) -> int:
    """The step whose height on an increasing curve is nearest to a wanted one."""
    right = min(bisect_left(heights, wanted), len(heights) - 1)
    left = max(right - 1, 0)
    return left if wanted - heights[left] <= heights[right] - wanted else right
