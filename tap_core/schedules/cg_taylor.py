"""CG-Taylor: full when the Taylor forecast of the first block's output has a large error."""

import math
from dataclasses import dataclass

from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number, relative_change
from .taylor_history import TaylorHistory


@dataclass(frozen=True)
class ConfidenceGateSchedule(AdaptiveSettings):
    """Skip while mean|B^ - B| / mean|B| < threshold; B: first block's output, B^: its Taylor forecast from full steps.

    "Forecasting When to Forecast" (CG-Taylor, arXiv 2508.02240), its code: the first block runs at every step;
    on FLUX order 1 and threshold 0.03, the first 5 steps and the last full; on Wan and HunyuanVideo the first 6. The
    released FLUX and Wan files compare a tensor with `is False`, which is never true, so they never refresh the first
    block's history; here it is refreshed.
    """

    threshold: float = 0.03
    order: int = 1
    warmup: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("threshold", self.threshold)
        check_number("order", self.order)

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return ConfidenceGateCourse(self, timeline)


class ConfidenceGateCourse(AdaptiveCourse):
    """Keeps the first block's outputs at the last full steps."""

    needs = frozenset({"block"})

    def __init__(self, settings: ConfidenceGateSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._history = TaylorHistory(settings.order, timeline)

    def choose(self, seen: Seen) -> Decision:
        """Ask for the first block's output."""
        return Decision(full=False, asks="block")

    def in_call(self, seen: Seen) -> Decision:
        """Full where the error of the first block's forecast is not below the threshold."""
        forecast = self._history.forecast(seen.position)
        error = math.nan if forecast is None else relative_change(forecast, seen.block)
        return SKIP if error < self.settings.threshold else Decision(full=True, reason="first block not as forecast")

    def learn(self, seen: Seen) -> None:
        """Keep the first block's output of full steps."""
        if seen.full and seen.block is not None:
            self._history.keep(seen.position, seen.block)
