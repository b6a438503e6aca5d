"""Taylor forecasts from the finite differences of the last full steps.

K snapshots at coordinates x_0 (newest) .. x_{K-1}.  d_i: i-th difference at x_0.  m: order.  k: distance from x_0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

from ..timeline import Timeline
from .weight_row import padded


@dataclass(frozen=True)
class Taylor:
    """Truncated Taylor series sum_{i<=m} d_i k^i / i!, TAP Eq. (4), on TaylorSeer's ladder of differences.

    The ladder is d_i = (d_{i-1} - d_{i-1} one full step earlier) / (latest gap), so the latest gap divides every
    order (Liu et al. 2025, TaylorSeer, its released code); exact for Newton's spacing only up to order 1.
    Order 0 repeats the newest snapshot.
    """

    order: int
    horizon: float = 0.0
    family: str = "taylor"

    @property
    def snapshots(self) -> int:
        """Full steps that the ladder needs."""
        return self.order + 1

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; while `past` is short, those of the highest order that it allows."""
        x = tuple(map(timeline.coordinate, past[: self.snapshots]))
        return padded(series(x, timeline.coordinate(position + self.horizon) - x[0]), past)


@lru_cache(maxsize=1024)  # horizons with the same end point share it, and calibration asks for many points
def series(x: tuple[float, ...], k: float) -> tuple[float, ...]:
    """sum_{i<K} d_i k^i / i!, as weights over the K snapshots."""
    terms = [k**i / math.factorial(i) for i in range(len(x))]
    return tuple(sum(map(mul, shares, terms)) for shares in zip(*ladder(x), strict=True))


@lru_cache(maxsize=64)  # a pool asks for the same few ladders at every step
def ladder(x: tuple[float, ...]) -> list[list[float]]:
    """Differences d_0 .. d_{K-1} at the newest coordinate, each as weights over the K snapshots."""
    level = [[float(i == j) for j in range(len(x))] for i in range(len(x))]
    differences = [level[0]]
    while len(level) > 1:
        level = [[(new - old) / (x[i] - x[i + 1]) for new, old in zip(level[i], level[i + 1], strict=True)]
                 for i in range(len(level) - 1)]
        differences.append(level[0])
    return differences
