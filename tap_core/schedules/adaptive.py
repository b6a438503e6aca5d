"""Parts that adaptive schedules share: steps that are full in any case, and measures of change."""

import math
from dataclasses import dataclass

from torch import Tensor

from ..errors import TapError
from ..schedule import AdaptiveSchedule, Course, Decision, Seen
from ..timeline import Timeline


@dataclass(frozen=True)
class AdaptiveSettings(AdaptiveSchedule):
    """Settings of a schedule that watches a run. Raises TapError for an impossible value.

    warmup: first steps that are full. last_full: whether the last step is full. max_skip: longest chain of evaluations
    that are skipped or computed in part, 0 for no limit: the papers' codes have none, and a high threshold then
    forecasts all from the start.
    """

    warmup: int = 1
    last_full: bool = True
    max_skip: int = 0

    def __post_init__(self) -> None:
        for name in ("warmup", "max_skip"):
            if getattr(self, name) < 0:
                raise TapError(f"{name} is {getattr(self, name)}; set it to 0 or more.")


class AdaptiveCourse(Course):
    """Makes the steps full that have to be, and leaves the others to a subclass's `choose`, which may `learn`."""

    def __init__(self, settings: AdaptiveSettings, timeline: Timeline) -> None:
        self.settings, self.timeline = settings, timeline
        self.skipped = 0  # evaluations since the last full one

    def before(self, seen: Seen) -> Decision:
        """Full where that is forced, else as chosen."""
        reason = self._forced(int(seen.position))
        return Decision(full=True, reason=reason) if reason else self.choose(seen)

    def choose(self, seen: Seen) -> Decision:
        """What to do at an evaluation that is not forced."""
        raise NotImplementedError

    def after(self, seen: Seen) -> None:
        """Count the skips, and learn."""
        self.skipped = 0 if seen.full else self.skipped + 1
        self.learn(seen)

    def learn(self, seen: Seen) -> None:
        """Keep what the evaluation has shown."""

    def _forced(self, step: int) -> str:
        if step < max(self.settings.warmup, 1):
            return "warm-up"
        if self.settings.last_full and step >= self.timeline.steps - 1:
            return "last step"
        return "max_skip" if 0 < self.settings.max_skip <= self.skipped else ""


class Accumulator:
    """Adds up a change per evaluation until the sum reaches the threshold; NaN reaches it."""

    def __init__(self, threshold: float) -> None:
        self.threshold, self.total = threshold, 0.0

    def passes(self, change: float) -> bool:
        """Whether the sum with `change` is still below the threshold."""
        self.total += change
        return self.total < self.threshold

    def reset(self) -> None:
        """A full step was computed."""
        self.total = 0.0


def mean_change(now: Tensor, before: Tensor) -> Tensor:
    """mean|now - before| over everything, a scalar tensor."""
    return (now.float() - before.float()).abs().mean()


def relative_change(now: Tensor, before: Tensor | None) -> float:
    """mean|now - before| / mean|before|, NaN if the two cannot be compared; waits for the device."""
    if before is None or before.shape != now.shape:
        return math.nan
    return float(mean_change(now, before) / before.float().abs().mean())


def check_number(name: str, value: float, least: float = 0.0) -> None:
    """Raise TapError unless the value is a number of at least `least`; infinity is allowed."""
    if math.isnan(value) or value < least:
        raise TapError(f"{name} is {value}; set it to a number of {least:g} or more.")
