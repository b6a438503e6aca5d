"""The next value of an evenly spaced series from its last ones.

m: order, AB-Cache's k minus one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..timeline import Timeline
from .weight_row import padded


@dataclass(frozen=True)
class AdamsBashforth:
    """forecast = sum_{j<=m} (-1)^j C(m+1, j+1) F_j, AB-Cache (arXiv 2504.10540).

    The relation that an Adams-Bashforth solver of order m + 1 implies between consecutive model outputs. It takes the
    full steps as evenly spaced and the asked step as the next of them, at any true distance: it is Newton's polynomial
    one gap ahead. It therefore overshoots right after a full step, where another candidate is chosen.
    """

    order: int
    horizon: float = 0.0
    family: str = "adams-bashforth"

    @property
    def snapshots(self) -> int:
        """Full steps that the relation needs."""
        return self.order + 1

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; while `past` is short, those of the highest order that it allows."""
        count = min(self.snapshots, len(past))
        return padded([(-1) ** j * math.comb(count, j + 1) for j in range(count)], past)
