"""The polynomial through the last full steps, on their true spacing.

x_0 (newest) .. x_m: coordinates of the full steps.  x: the coordinate asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..timeline import Timeline
from .lagrange import lagrange
from .weight_row import coordinates, padded


@dataclass(frozen=True)
class Newton:
    """Lagrange's form of Newton's polynomial: w_j = prod_{i != j} (x - x_i) / (x_j - x_i).

    Textbook: the polynomial of Newton's divided differences. AB-Cache has it one gap ahead (adams_bashforth.py).
    Exact for every polynomial of its order and any gaps; TaylorSeer's ladder is exact only up to order 1. The price is
    larger weights far from the full steps (8 steps apart, 7 ahead, order 2: sum |w| = 6.0 against 4.3).
    """

    order: int
    horizon: float = 0.0
    family: str = "newton"

    @property
    def snapshots(self) -> int:
        """Full steps that the polynomial goes through."""
        return self.order + 1

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; while `past` is short, those of the highest order that it allows."""
        x = coordinates(past, self.snapshots, timeline)
        return padded(lagrange(x, timeline.coordinate(position + self.horizon)), past)
