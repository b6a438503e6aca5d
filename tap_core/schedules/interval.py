"""The paper's schedule: a few full steps first, then one full step in every N."""

from dataclasses import dataclass

from ..errors import TapError
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline


@dataclass(frozen=True)
class IntervalSchedule(Schedule):
    """Full while step < warm-up, and N steps after every full step (TAP section 4.1; TaylorSeer's `cal_type`).

    T steps have W + floor((T - W) / N) full ones. Interval 1 computes every step.
    Raises TapError for an interval below 1 or a warm-up below 0.
    """

    interval: int
    warmup: int = 3

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise TapError(f"interval is {self.interval}; set it to 1 (compute every step) or more.")
        if self.warmup < 0:
            raise TapError(f"warmup_steps is {self.warmup}; set it to 0 or more.")

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step; the first step is full in any case, as there is nothing to forecast from."""
        last_warmup = max(self.warmup, 1) - 1
        if step <= last_warmup:
            # TaylorSeer's differences begin at the second last warm-up step: with earlier ones its order rises earlier.
            return Decision(full=True, reason="warm-up", remember=step >= last_warmup - 1)
        return Decision(full=True, reason="interval") if (step - last_warmup) % self.interval == 0 else SKIP


def full_steps(schedule: IntervalSchedule, timeline: Timeline) -> list[int]:
    """The steps that the schedule computes in full."""
    return [step for step in range(timeline.steps) if schedule.decide(step, timeline).full]
