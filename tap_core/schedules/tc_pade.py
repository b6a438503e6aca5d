"""TC-Pade's schedule: within a window of N steps, full where the trajectory of the target bends."""

from dataclasses import dataclass

from torch import Tensor

from ..errors import TapError
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number


@dataclass(frozen=True)
class TrajectoryStabilitySchedule(AdaptiveSettings):
    """First step of every window full; the others skipped while TSI >= threshold (TC-Pade, arXiv 2603.02943).

    With u_s = (R_s - R_{s-1}) / |R_s - R_{s-1}| and R the target of every step, forecast ones included,
    TSI = 1/2 |u_{s-1} + u_{s-2}|^2 = 1 + cos(u_{s-1}, u_{s-2}), from 0 (turned back) to 2 (straight on).
    The paper prints 1/2 |u_{s-1} - u_{s-2}|, which is at most 1 and smallest where the trajectory is straight, and so
    fits neither its threshold 1.3 nor its rule; `printed` uses it exactly. Thresholds 0.7, 1.0 and 1.3: its fast,
    slow and careful settings.
    """

    threshold: float = 1.0
    interval: int = 4
    printed: bool = False
    last_full: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("threshold", self.threshold)
        if self.interval < 1:
            raise TapError(f"interval is {self.interval}; set it to 1 (compute every step) or more.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return TrajectoryStabilityCourse(self, timeline)


class TrajectoryStabilityCourse(AdaptiveCourse):
    """Keeps the latest target and its latest difference."""

    needs = frozenset({"target"})

    def __init__(self, settings: TrajectoryStabilitySchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._latest: Tensor | None = None
        self._difference: Tensor | None = None
        self._stability: Tensor | None = None

    def choose(self, seen: Seen) -> Decision:
        """Full at the start of a window, and where the last three targets do not lie on a line."""
        if int(seen.position) % self.settings.interval == 0:
            return Decision(full=True, reason="window")
        if self._stability is None:
            return Decision(full=True, reason="too few steps yet")
        stable = bool(self._stability >= self.settings.threshold)
        return SKIP if stable else Decision(full=True, reason="path bends")

    def learn(self, seen: Seen) -> None:
        """Compare the latest two differences of the target."""
        if seen.target is None:
            return
        if self._latest is None or self._latest.shape != seen.target.shape:
            self._latest, self._difference, self._stability = seen.target, None, None
            return
        difference = seen.target.float() - self._latest.float()
        if self._difference is not None:
            cosine = _cosine(difference, self._difference)
            self._stability = ((1 - cosine) / 2).clamp_min(0).sqrt() if self.settings.printed else 1 + cosine
        self._latest, self._difference = seen.target, difference


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    """Cosine over all values; NaN, and so below any threshold, where a difference is zero."""
    return (one * other).sum() / (one.norm() * other.norm())
