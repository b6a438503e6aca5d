"""SADA: full where the sampler's trajectory is not stable; elsewhere its denoised picture is approximated.

x: the sampler's latent.  y = dx/dsigma = (x - denoised) / sigma.  D2y: second difference of y.  x0: denoised picture.
Indices count back: y_0 is the newest known, y_1 the one before it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ..errors import TapError
from ..predictors.lagrange import lagrange
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number

FORECASTS = ("linear", "step-wise", "pool")
NOT_STABLE = "path not stable"


@dataclass(frozen=True)
class StabilitySchedule(AdaptiveSettings):
    """Skip where mean[(x - x^) * D2y] <= 0, with x^ = x_0 + 5/6 D y_0 + 5/6 D y_1 - 2/3 D y_2, D the step in sigma.

    Jiang et al. 2025 (SADA, arXiv 2507.17135). The coefficients are the paper's; its code has .625, .75 and -.375,
    which has only first order, and its FLUX file leaves the factor x - x^ out of the criterion. First fifth of the
    run and its last 6 % full, at most 4 skips in a row. From `multistep_from` of the run on, the criterion is not
    used: every `multistep_interval`-th step is full, at the others x0 is the Lagrange polynomial in the step index
    through those of the last `multistep_term` such steps.
    forecast, before that: "linear" is the FLUX code's y = 2 y_0 - y_1; "step-wise" the paper's, x0 = x^ - sigma y_0;
    "pool" leaves it to the predictors. The model is called only for "pool". The paper has step-wise, and the second
    half for the multistep stage; the defaults, linear and from 0.4 on, are its FLUX code's, here for every model.
    token_wise: where the criterion is not met, the step is computed in part, see unstable_tokens.py. Off, as in the
    FLUX code, it is computed in full. With the defaults that can only be between `start_share` and `multistep_from`.
    For the other tokens the code takes the last result of each block; here the predictors forecast what all blocks
    together give them. The code computes all tokens anew every 4 steps; here `max_skip` has this effect.
    """

    forecast: str = "linear"
    start_share: float = 0.2
    stop_share: float = 0.94
    multistep_from: float = 0.4
    multistep_interval: int = 4
    multistep_term: int = 3
    max_skip: int = 4
    token_wise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("start_share", "stop_share", "multistep_from"):
            check_number(name, getattr(self, name))
        if self.multistep_interval < 1 or self.multistep_term < 1:
            raise TapError("multistep_interval and multistep_term have to be 1 or more.")
        if self.forecast not in FORECASTS:
            raise TapError(f"forecast is {self.forecast!r}; choose one of {', '.join(FORECASTS)}.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return StabilityCourse(self, timeline)


class StabilityCourse(AdaptiveCourse):
    """Keeps the last three (sigma, x, y), newest first, and the nodes (step, x0) of the multistep stage."""

    def __init__(self, settings: StabilitySchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._path: list[tuple[float, Tensor, Tensor]] = []
        self._nodes: list[tuple[float, Tensor]] = []

    def choose(self, seen: Seen) -> Decision:
        """Full outside the range of steps; inside it as the stage says."""
        settings, step, steps = self.settings, int(seen.position), self.timeline.steps
        if len(self._path) < 3 or not settings.start_share * steps <= step < settings.stop_share * steps:
            return Decision(full=True, reason="outside start_share to stop_share")
        if step >= settings.multistep_from * steps and settings.multistep_interval > 1:
            if step % settings.multistep_interval == 1 or not self._nodes:
                return Decision(full=True, reason="multistep")
            return self._skip(lambda: self._through_nodes(seen.position))
        criterion = self._criterion(seen)
        if not bool(criterion.mean() <= 0):
            unstable = criterion if settings.token_wise else None
            return Decision(full=not settings.token_wise, reason=NOT_STABLE, unstable=unstable)
        return self._skip(lambda: self._approximation(seen))

    def learn(self, seen: Seen) -> None:
        """Keep the path, approximated steps included."""
        if self._path and self._path[0][1].shape != seen.x.shape:
            self._path, self._nodes = [], []
        y = (seen.x - seen.denoised) / max(seen.sigma, 1e-9)
        self._path = [(seen.sigma, seen.x, y), *self._path][:3]
        if seen.full and int(seen.position) % max(self.settings.multistep_interval, 1) == 1:
            # Through two nodes half a step apart a polynomial would swing.
            nodes = [node for node in self._nodes if int(node[0]) != int(seen.position)]
            self._nodes = [(seen.position, seen.denoised), *nodes][: self.settings.multistep_term]

    def _skip(self, approximate: Callable[[], Tensor]) -> Decision:
        return SKIP if self.settings.forecast == "pool" else Decision(full=False, denoised=approximate())

    def _through_nodes(self, position: float) -> Tensor:
        weights = lagrange([place for place, _ in self._nodes], position)
        return sum(weight * picture for weight, (_, picture) in zip(weights, self._nodes, strict=True))

    def _criterion(self, seen: Seen) -> Tensor:
        y0, y1, y2 = (y for _, _, y in self._path)
        return (seen.x - self._extrapolated(seen)) * ((y0 - y1) - (y1 - y2))

    def _approximation(self, seen: Seen) -> Tensor:
        y0, y1, _ = (y for _, _, y in self._path)
        if self.settings.forecast == "linear":
            return seen.x - seen.sigma * (2 * y0 - y1)
        return self._extrapolated(seen) - seen.sigma * y0

    def _extrapolated(self, seen: Seen) -> Tensor:
        (sigma, x, y0), (_, _, y1), (_, _, y2) = self._path
        return x + (seen.sigma - sigma) * (5 / 6 * y0 + 5 / 6 * y1 - 2 / 3 * y2)
