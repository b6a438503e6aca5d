"""A polynomial fitted to more full steps than it needs, which smooths them.

tau: coordinate, -1 at the oldest full step of the fit and 1 at the newest, beyond 1 ahead of it.  m: degree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from ..errors import TapError
from ..timeline import Timeline
from .weight_row import combined, coordinates, padded


@dataclass(frozen=True)
class Hermite:
    """forecast = sum_{i<=m} c_i He_i(tau), c by ordinary least squares on the last `fitted` full steps.

    He_0 = 1, He_1 = tau, He_2 = tau^2 - 1, ...: probabilists' Hermite polynomials, TAP, supplement "Alternative
    Predictors" (m = 2; it says neither how many steps are fitted nor how time is normalised). Least squares do not
    depend on the basis: this is also the plain least-squares polynomial, and with m + 1 steps it is Newton's.
    """

    order: int
    horizon: float = 0.0
    fitted: int = 5
    family: str = "hermite"

    def __post_init__(self) -> None:
        if self.fitted <= self.order:
            raise TapError(f"A fit of order {self.order} needs {self.order + 1} computed steps or more, not "
                           f"{self.fitted}.")

    @property
    def snapshots(self) -> int:
        """Full steps that are fitted."""
        return self.fitted

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; while `past` is short, those of the highest order that it allows."""
        x = coordinates(past, self.fitted, timeline)
        at = timeline.coordinate(position + self.horizon)
        order = min(self.order, len(x) - 1)
        newest, *others = combined(hermite_values(_normalised(at, x), order), least_squares(x, order))
        # Coordinates that are far from even cost the fit digits.
        return padded([newest + (1 - newest - sum(others)), *others], past)


def hermite_values(tau: float, order: int) -> list[float]:
    """He_0(tau) .. He_order(tau), by He_{n+1} = tau He_n - n He_{n-1}."""
    values = [1.0, tau]
    for n in range(1, order):
        values.append(tau * values[n] - n * values[n - 1])
    return values[: order + 1]


@lru_cache(maxsize=64)  # all horizons of an order share one fit
def least_squares(x: tuple[float, ...], order: int) -> list[list[float]]:
    """Coefficients c_0 .. c_order of the fit, each as weights over the snapshots: (V'V)^-1 V'."""
    design = [hermite_values(_normalised(node, x), order) for node in x]
    return torch.linalg.pinv(torch.tensor(design, dtype=torch.float64, device="cpu")).tolist()


def _normalised(at: float, x: Sequence[float]) -> float:
    """tau of the coordinate `at`; x: coordinates of the fitted steps, newest first."""
    newest, oldest = x[0], x[-1]
    return 1.0 if len(x) == 1 else 2 * (at - oldest) / (newest - oldest) - 1
