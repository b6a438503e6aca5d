"""SpeCa: forecast on, and compute when a verified last block says that the last forecast was off."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import Watchful, WatchfulCourse, check_number


@dataclass(frozen=True)
class SpeculativeSchedule(Watchful):
    """Full once at least `min_skip` steps are forecast and the last one's error is above tau_s, or `max_skip` are.

    Liu et al. 2025 (SpeCa, arXiv 2509.11628), its FLUX code: error = mean(|F^ - F| / |F|) over all elements, F the
    last block run on its forecast input, F^ its forecast output; tau_s = max(threshold * decay^(s / T), floor);
    nothing is rolled back, the error decides the next step. Its code looks for "after a full step, one forecast"
    before it looks for the warm-up, so that step 1 is forecast from step 0 alone; the paper's three full steps are
    kept here.
    """

    threshold: float = 7.0
    decay: float = 0.3
    floor: float = 0.1
    min_skip: int = 2
    warmup: int = 3
    last_full: bool = False
    max_skip: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("threshold", "decay", "floor", "min_skip"):
            check_number(name, getattr(self, name))
        if 0 < self.max_skip < self.min_skip:
            raise TapError(f"min_skip is {self.min_skip}, above max_skip {self.max_skip}; lower it.")

    def start(self, timeline: Timeline) -> WatchfulCourse:
        """Its course through a run."""
        return SpeculativeCourse(self, timeline)


class SpeculativeCourse(WatchfulCourse):
    """Keeps the error of the last verified step."""

    needs = frozenset({"error"})

    def __init__(self, settings: SpeculativeSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._error: Tensor | None = None

    def choose(self, seen: Seen) -> Decision:
        """Full where the last forecast was off; a forecast that was not verified is not trusted."""
        if self.settings.threshold == 0:
            return Decision(full=True, reason="threshold 0")
        if self.skipped < max(self.settings.min_skip, 1):
            return SKIP
        if self._error is not None and bool(self._error <= self._limit(seen.position)):
            return SKIP
        return Decision(full=True, reason="last block not foreseen")

    def learn(self, seen: Seen) -> None:
        """Keep the error, without waiting for it."""
        self._error = seen.error

    def _limit(self, position: float) -> float:
        settings = self.settings
        return max(settings.threshold * settings.decay ** (position / self.timeline.steps), settings.floor)


def verification_error(forecast: Tensor, computed: Tensor) -> Tensor:
    """mean(|forecast - computed| / |computed|), a scalar tensor; SpeCa's relative L1 norm."""
    forecast, computed = forecast.float(), computed.float()
    return torch.mean((forecast - computed).abs_() / (computed.abs() + 1e-10))
