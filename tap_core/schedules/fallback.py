"""TAP with a fallback: also full where even the best candidate's loss is far above its usual value."""

import math
from dataclasses import dataclass

from ..errors import TapError
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number
from .interval import IntervalSchedule

# Weight of the latest loss in the running mean.
LATEST_WEIGHT = 0.5


@dataclass(frozen=True)
class FallbackSchedule(AdaptiveSettings):
    """Full after N - 1 skips, and where mean_n min_p L_p > factor * its usual at the same distance from the full step.

    TAP names the idea without a rule (section 7: "falling back to full computation when proxy losses are large").
    Losses grow with the distance k and fall with sigma, so the usual loss is a running mean of log L for each k; the
    first window sets it. Factor 0 computes every step, infinity is exactly the paper's schedule.
    """

    factor: float = 3.0
    interval: int = 5
    warmup: int = 3
    last_full: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("factor", self.factor)
        if self.interval < 1:
            raise TapError(f"interval is {self.interval}; set it to 1 (compute every step) or more.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return FallbackCourse(self, timeline)


class FallbackCourse(AdaptiveCourse):
    """Keeps the usual loss at each distance."""

    needs = frozenset({"loss"})

    def __init__(self, settings: FallbackSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._paper = IntervalSchedule(settings.interval, settings.warmup)
        self._usual: dict[int, float] = {}
        self._latest_full = 0

    def before(self, seen: Seen) -> Decision:
        """Full in the warm-up and at the interval, which counts from the last full step, forced or not."""
        step = int(seen.position)
        if step < max(self.settings.warmup, 1):
            return self._paper.decide(step, self.timeline)  # it also says which warm-up steps join the history
        return super().before(seen)

    def choose(self, seen: Seen) -> Decision:
        """Ask for the loss."""
        # Where a sampler evaluates a step twice, the second evaluation is decided as the first.
        if not 0 < self._distance(seen) < self.settings.interval:
            return Decision(full=True, reason="interval")
        return Decision(full=False, asks="loss")

    def in_call(self, seen: Seen) -> Decision:
        """Full where the loss is far above its usual value at this distance."""
        losses, distance = seen.loss.float(), self._distance(seen)
        loss = float(losses[~losses.isinf()].mean())  # a token that no candidate can forecast has infinity
        usual = self._usual.get(distance, math.inf if self.settings.factor > 0 else 0.0)
        if not math.isfinite(loss):
            return Decision(full=True, reason="error is not a number")
        latest = math.log(max(loss, 1e-12))
        self._usual[distance] = math.exp(latest if distance not in self._usual else
                                         (1 - LATEST_WEIGHT) * math.log(self._usual[distance]) + LATEST_WEIGHT * latest)
        return SKIP if loss <= self.settings.factor * usual else Decision(full=True, reason="error above usual")

    def learn(self, seen: Seen) -> None:
        """Remember the latest full step."""
        if seen.full:
            self._latest_full = int(seen.position)

    def _distance(self, seen: Seen) -> int:
        return int(seen.position) - self._latest_full
