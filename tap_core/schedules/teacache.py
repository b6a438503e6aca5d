"""TeaCache: full when the modulated input of the first block has changed enough since the last full step."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ..errors import TapError
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import Accumulator, AdaptiveCourse, AdaptiveSettings, check_number, relative_change
from .model_tables import POLYNOMIALS


@dataclass(frozen=True)
class TeaCacheSchedule(AdaptiveSettings):
    """Skip while sum_s f(mean|h_s - h_{s-1}| / mean|h_{s-1}|) < threshold, the sum starts again at every full step.

    Liu et al. 2025 (TeaCache, arXiv 2411.19108), its FLUX code: h is the probe of every step, skipped ones included,
    f a polynomial (highest power first) fitted per model; first and last step full. Thresholds 0.25, 0.4, 0.6 and 0.8
    are from its code, for FLUX at 28 steps, 1.5 to 2.25 times faster.
    """

    threshold: float = 0.4
    coefficients: tuple[float, ...] = POLYNOMIALS["FLUX"]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("threshold", self.threshold)
        if not self.coefficients:
            raise TapError("TeaCache needs a polynomial; write its coefficients between commas, highest power first.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return TeaCacheCourse(self, timeline)


class TeaCacheCourse(AdaptiveCourse):
    """Keeps the latest probe and the accumulated change."""

    needs = frozenset({"probe"})

    def __init__(self, settings: TeaCacheSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._latest: Tensor | None = None
        self._sum = Accumulator(settings.threshold)

    def choose(self, seen: Seen) -> Decision:
        """Ask for the probe."""
        return Decision(full=False, asks="probe")

    def in_call(self, seen: Seen) -> Decision:
        """Full once the change has added up."""
        change = polynomial(self.settings.coefficients, relative_change(seen.probe, self._latest))
        return SKIP if self._sum.passes(change) else Decision(full=True, reason="probe changed")

    def learn(self, seen: Seen) -> None:
        """Keep the probe of every step."""
        if seen.full:
            self._sum.reset()
        self._latest = self._latest if seen.probe is None else seen.probe


def polynomial(coefficients: Sequence[float], x: float) -> float:
    """Value at x; highest power first."""
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value
