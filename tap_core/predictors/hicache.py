"""TaylorSeer's ladder of differences on scaled Hermite polynomials.

k: steps ahead of the newest full step.  d_i: the ladder's i-th difference per step.  s: `scale`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import TapError
from ..timeline import Timeline
from .taylor import ladder
from .weight_row import combined, coordinates, padded


@dataclass(frozen=True)
class HiCache:
    """forecast = F_0 + sum_{1<=i<=m} d_i / i! * s^i H_i(s k), HiCache (arXiv 2508.16984).

    H_i: physicists' Hermite polynomials, H_1 = 2x, H_2 = 4x^2 - 2. s = 0.5, the paper's default, halves the slope;
    s = 1/sqrt(2) keeps it. The paper counts time down and writes H_i(-k) over differences of the other sign,
    which is the same. A Hermite polynomial has a unit, the sampler step, so a coordinate in sigma is measured in steps
    of the latest gap.
    """

    order: int
    horizon: float = 0.0
    scale: float = 0.5
    family: str = "hicache"

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 1:
            raise TapError(f"HiCache's scale is {self.scale}; set it above 0, up to 1 (the paper's is 0.5).")

    @property
    def snapshots(self) -> int:
        """Full steps that the ladder needs."""
        return self.order + 1

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; while `past` is short, those of the highest order that it allows."""
        x = coordinates(past, self.snapshots, timeline)
        unit = (x[0] - x[1]) / (past[0] - past[1]) if len(x) > 1 else 1.0
        k = (timeline.coordinate(position + self.horizon) - x[0]) / unit
        basis = dual_scaled_hermite(k, self.scale, len(x) - 1)
        return padded(combined(basis, ladder(tuple(node / unit for node in x))), past)


def dual_scaled_hermite(k: float, scale: float, order: int) -> list[float]:
    """s^i H_i(s k) / i! for i = 0 .. order, by H_{n+1} = 2x H_n - 2n H_{n-1}."""
    x = scale * k
    values = [1.0, 2 * x]
    for n in range(1, order):
        values.append(2 * x * values[n] - 2 * n * values[n - 1])
    return [scale**i * value / math.factorial(i) for i, value in enumerate(values[: order + 1])]
