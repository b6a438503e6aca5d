"""Spectrum's schedule: windows that grow during the run."""

import math
from dataclasses import dataclass
from functools import lru_cache

from ..errors import TapError
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline
from .adaptive import check_number


@dataclass(frozen=True)
class GrowingSchedule(Schedule):
    """Full after floor(window) - 1 skips; each such full step widens the window by `growth` (Spectrum, its code).

    Growth 0.75 computes 14 of 50 steps, 3 computes 10. As in its code, the last step is not forced to be full.
    """

    window: float = 2.0
    growth: float = 0.75
    warmup: int = 5

    def __post_init__(self) -> None:
        check_number("window", self.window, 1)
        check_number("growth", self.growth)
        if math.isinf(self.window) or math.isinf(self.growth):
            raise TapError("window and growth have to be finite.")

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step."""
        if step < max(self.warmup, 1):
            return Decision(full=True, reason="warm-up")
        return Decision(full=True, reason="window") if step in self._full(timeline.steps) else SKIP

    @lru_cache(maxsize=8)  # noqa: B019  a handful of small frozen schedules
    def _full(self, steps: int) -> frozenset[int]:
        full, window, last = set(), self.window, max(self.warmup, 1) - 1
        for step in range(last + 1, steps):
            if step - last >= math.floor(window):
                full.add(step)
                last, window = step, round(window + self.growth, 3)
        return frozenset(full)
