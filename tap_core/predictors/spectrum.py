"""Ridge regression on Chebyshev polynomials over the run so far, mixed with a local line.

tau: coordinate, -1 and 1 at the ends of the run.  T_0 .. T_m: Chebyshev polynomials.  V: their values at full steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from ..errors import TapError
from ..timeline import Timeline
from .lagrange import lagrange
from .weight_row import combined, coordinates, padded


@dataclass(frozen=True)
class Spectrum:
    """forecast = share * T(tau)' (V'V + ridge I)^-1 V' F + (1 - share) * (line through the last two).

    Spectrum (arXiv 2603.01623); degree 4, ridge 0.1, share 0.5 and the line are from its released code. Two
    things differ. The code keeps every full step; here only the last `remembered` are kept, as each costs memory for
    probe and target. The code pulls the fit towards zero; here F is relative to the newest full step, so the fit is
    pulled towards repeating it, and the weights sum to 1.
    """

    order: int = 4
    horizon: float = 0.0
    remembered: int = 8
    share: float = 0.5
    ridge: float = 0.1
    family: str = "spectrum"

    def __post_init__(self) -> None:
        if self.remembered < 2:
            raise TapError(f"Spectrum remembers {self.remembered} computed steps; set 2 or more.")
        if not 0 <= self.share <= 1 or not self.ridge > 0:
            raise TapError(f"Spectrum's share is {self.share} (0 to 1), its ridge {self.ridge} (above 0).")

    @property
    def snapshots(self) -> int:
        """Full steps that are fitted."""
        return self.remembered

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first; with a single full step in `past`, a repeat."""
        low, high = timeline.span
        x = coordinates(past, self.remembered, timeline)
        at = timeline.coordinate(position + self.horizon)
        tau = tuple(2 * (node - low) / (high - low) - 1 for node in (at, *x))
        fit = combined(chebyshev_values(tau[0], self.order), ridge_fit(tau[1:], self.order, self.ridge))
        fit[0] += 1 - sum(fit)
        line = padded(lagrange(x[:2], at), x)
        return padded(combined((self.share, 1 - self.share), (fit, line)), past)


def chebyshev_values(tau: float, order: int) -> list[float]:
    """T_0(tau) .. T_order(tau), by T_{n+1} = 2 tau T_n - T_{n-1}."""
    values = [1.0, tau]
    for n in range(1, order):
        values.append(2 * tau * values[n] - values[n - 1])
    return values[: order + 1]


@lru_cache(maxsize=64)  # all horizons share one fit
def ridge_fit(tau: tuple[float, ...], order: int, ridge: float) -> list[list[float]]:
    """Coefficients of T_0 .. T_order, each as weights over the snapshots: (V'V + ridge I)^-1 V'."""
    design = torch.tensor([chebyshev_values(t, order) for t in tau], dtype=torch.float64, device="cpu")
    damped = design.T @ design + ridge * torch.eye(order + 1, dtype=torch.float64, device="cpu")
    return torch.linalg.solve(damped, design.T).tolist()
