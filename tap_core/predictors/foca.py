"""The trajectory of the target as a differential equation, solved step by step from the last full steps.

h: length of the next step.  g: length of the step before.  w = h / g.  F': slope at the newest value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..timeline import CLOSEST_COORDINATES, Timeline
from .weight_row import combined, padded

Row = list[float]


@dataclass(frozen=True)
class FoCa:
    """F_{k+1} = (1+w)^2/(1+2w) F_k - w^2/(1+2w) F_{k-1} + h (1+w)/(1+2w) F'_k, FoCa (arXiv 2508.16211).

    The second-order backward differentiation formula, with the known slope at F_k for the unknown one; in even steps
    4/3 F_k - 1/3 F_{k-1} + 2/3 h F'_k, and as F'_k is that formula's own slope, 7/3 F_k - 5/3 F_{k-1} + 1/3 F_{k-2}.
    Forecast values are fed back, so the result is a row of weights over the full steps. `heun` calibrates each
    step: F_c = F_k + (h F'_full + F_{k+1} - F_k) / 2, F'_full being the slope between the last two full steps.

    The paper also feeds back forecasts made before the newest full step. That puts a whole window's error into the
    slope of one step, and it grows from window to window; here they are dropped, and uneven gaps are taken as they are.
    """

    heun: bool = False
    order: int = 2
    horizon: float = 0.0
    snapshots: int = 3

    @property
    def family(self) -> str:
        """Its name in reports and on the map."""
        return "foca-heun" if self.heun else "foca"

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> Row:
        """Weights newest first; a line or a repeat while `past` has fewer than three full steps."""
        count = min(self.snapshots, len(past))
        nodes = [timeline.coordinate(p) for p in past[:count]]
        rows = [[float(i == j) for j in range(count)] for i in range(count)]
        at = timeline.coordinate(position + self.horizon)
        ahead = position + self.horizon - past[0]
        if count == 1 or ahead <= 0:
            return padded(rows[0], past)
        full_slope = slope(nodes[:2], rows[:2])
        closest = CLOSEST_COORDINATES * (timeline.span[1] - timeline.span[0])
        for x in [*(timeline.coordinate(past[0] + k) for k in range(1, _whole_steps(ahead) + 1)), at]:
            if abs(x - nodes[0]) <= closest:
                continue
            row = backward_difference(nodes, rows, x)
            if self.heun:
                row = combined((0.5, 0.5, 0.5 * (x - nodes[0])), (rows[0], row, full_slope))
            nodes, rows = [x, *nodes][:3], [row, *rows][:3]
        return padded(rows[0], past)


def backward_difference(nodes: Sequence[float], rows: Sequence[Row], x: float) -> Row:
    """The formula at x: nodes and rows of the last two or three values, newest first.

    A line where time has turned back, as after a sampler's restart: the formula needs steps in one direction.
    """
    h, g = x - nodes[0], nodes[0] - nodes[1]
    if h * g <= 0:
        return combined((1.0, h), (rows[0], slope(nodes[:2], rows)))
    w = h / g
    shares = ((1 + w) ** 2 / (1 + 2 * w), -(w**2) / (1 + 2 * w), h * (1 + w) / (1 + 2 * w))
    return combined(shares, (rows[0], rows[1], slope(nodes, rows)))


def slope(nodes: Sequence[float], rows: Sequence[Row]) -> Row:
    """Slope at the newest of two or three values, of the polynomial through them if time runs one way."""
    g, older = nodes[0] - nodes[1], nodes[1] - nodes[-1]
    first = combined((1 / g, -1 / g), rows[:2])
    if g * older <= 0:
        return first
    earlier = combined((1 / older, -1 / older), rows[1:3])
    return combined((1 + g / (g + older), -g / (g + older)), (first, earlier))


def _whole_steps(ahead: float) -> int:
    """Steps that end before the asked position."""
    whole = int(ahead)
    return whole - 1 if whole == ahead else whole
