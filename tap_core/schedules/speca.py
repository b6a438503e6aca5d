"""SpeCa: forecast, and compute a step when the verified last block shows a large error of the last forecast."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError
from ..schedule import Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number
from .taylor_history import TaylorHistory

# Which of the tensors in the history it is.
INPUT, OUTPUT = 0, 1


@dataclass(frozen=True)
class SpeculativeSchedule(AdaptiveSettings):
    """Full once at least `min_skip` steps are forecast and the last one's error is above tau_s, or `max_skip` are.

    Liu et al. 2025 (SpeCa, arXiv 2509.11628), its FLUX code: error = mean(|F^ - F| / |F|) over all elements, F the
    last block run on its forecast input, F^ its forecast output; tau_s = max(threshold * decay^(s / T), floor);
    nothing is rolled back, the error decides the next step. Its code looks for "after a full step, one forecast"
    before it looks for the warm-up, so step 1 is forecast only from step 0; here the paper's three full steps are
    kept.
    """

    threshold: float = 7.0
    order: int = 2
    decay: float = 0.3
    floor: float = 0.1
    min_skip: int = 2
    warmup: int = 3
    last_full: bool = False
    max_skip: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("threshold", "order", "decay", "floor", "min_skip"):
            check_number(name, getattr(self, name))
        if 0 < self.max_skip < self.min_skip:
            raise TapError(f"min_skip is {self.min_skip}, above max_skip {self.max_skip}; lower it.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return SpeculativeCourse(self, timeline)


class SpeculativeCourse(AdaptiveCourse):
    """Keeps the last block's inputs and outputs at full steps, and the last verified error."""

    needs = frozenset({"last_input", "last_output"})

    def __init__(self, settings: SpeculativeSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._history = TaylorHistory(settings.order, timeline)
        self._error: Tensor | None = None

    def choose(self, seen: Seen) -> Decision:
        """Full where the last forecast's error was too large; a forecast that was not verified is not trusted."""
        if self.settings.threshold == 0:
            return Decision(full=True, reason="threshold 0")
        trusted = self._error is not None and bool(self._error <= self._limit(seen.position))
        if self.skipped >= max(self.settings.min_skip, 1) and not trusted:
            return Decision(full=True, reason="last block not as forecast")
        return Decision(full=False, verify=self._forecast(seen.position, INPUT))

    def learn(self, seen: Seen) -> None:
        """Keep the last block of a full step, or the error of a verified forecast; never waits for the device."""
        self._error = None
        if seen.last_output is None:
            return
        if seen.full:
            self._history.keep(seen.position, seen.last_input, seen.last_output)
        else:
            self._error = verification_error(self._forecast(seen.position, OUTPUT), seen.last_output)

    def _forecast(self, position: float, which: int) -> Tensor | None:
        """Taylor forecast of the last block's input or output, in its dtype."""
        forecast = self._history.forecast(position, which)
        return None if forecast is None else forecast.to(self._history.newest[which].dtype)

    def _limit(self, position: float) -> float:
        settings = self.settings
        return max(settings.threshold * settings.decay ** (position / self.timeline.steps), settings.floor)


def verification_error(forecast: Tensor, computed: Tensor) -> Tensor:
    """mean(|forecast - computed| / |computed|), a scalar tensor; SpeCa's relative L1 norm."""
    forecast, computed = forecast.float(), computed.float()
    return torch.mean((forecast - computed).abs_() / (computed.abs() + 1e-10))
