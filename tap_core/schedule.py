"""What a schedule is: the rule that decides which steps are computed in full.

A schedule is settings; `start` begins its course through one run, which may remember what it has seen.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from .timeline import Timeline


@dataclass(frozen=True)
class Decision:
    """What happens at one evaluation.

    reason: why it is full, for the report. remember: a full step joins the history.
    asks: what the first model call of a skipped evaluation has to show at block 0 before the skip stands: "probe",
    "block" (block 0 is run) or "loss" (the forecast is made); "" if it stands already.
    verify: a forecast of the last block's input [B, M, D], on which the first skipped call runs that block.
    denoised: an approximation of the sampler's denoised picture that takes the place of the model call.
    """

    full: bool
    reason: str = ""
    remember: bool = True
    asks: str = ""
    verify: Tensor | None = None
    denoised: Tensor | None = None


SKIP = Decision(full=False)
# Of so many steps the paper's schedule computes each, and the pack's own do.
TOO_FEW = 3


@dataclass
class Seen:
    """What one model evaluation shows, filled as it goes.

    position: step, fractional between steps. x, denoised: the sampler's [B, C, ...], denoised being the model's answer.
    Of its first model call: stream, probe and block [B, N, D] (block 0's input, modulated input and output),
    target [B, N, C] (computed or forecast), loss [B, N] (proxy loss of the forecast), last_input and last_output
    [B, M, D] (the last block's, all tokens). Only what the course `needs` is there, None where a call stopped short.
    """

    position: float
    sigma: float
    x: Tensor | None = None
    stream: Tensor | None = None
    probe: Tensor | None = None
    block: Tensor | None = None
    loss: Tensor | None = None
    target: Tensor | None = None
    last_input: Tensor | None = None
    last_output: Tensor | None = None
    full: bool = False
    denoised: Tensor | None = None


class Course(Protocol):
    """A schedule at work in one run: at each evaluation `before`, `in_call` if that asked for something, then `after`.

    needs: which of `Seen`'s stream, probe, block, loss, target, last_input and last_output it looks at.
    skips_any: False if it is known to compute every step, so that nothing has to be kept.
    """

    needs: frozenset[str]
    skips_any: bool

    def before(self, seen: Seen) -> Decision:
        """Full or skipped, before the model is called."""
        ...

    def in_call(self, seen: Seen) -> Decision:
        """Whether a skip stands, now that the call shows what was asked for."""
        ...

    def after(self, seen: Seen) -> None:
        """The evaluation is over."""
        ...


class Schedule(Protocol):
    """Decides from step and timeline alone; every model evaluation within the step follows."""

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped, for the step with this index."""
        ...


@runtime_checkable
class AdaptiveSchedule(Protocol):
    """Decides from what the run shows. One that decides the same in all processes has `local`, see locality.py."""

    def start(self, timeline: Timeline) -> Course:
        """Its course through a run with this timeline."""
        ...


class FixedCourse:
    """The course of a schedule that is known beforehand."""

    needs: frozenset[str] = frozenset()

    def __init__(self, schedule: Schedule, timeline: Timeline) -> None:
        self._decisions = [schedule.decide(step, timeline) for step in range(timeline.steps)]
        self.skips_any = not all(decision.full for decision in self._decisions)

    def before(self, seen: Seen) -> Decision:
        """As decided for its step."""
        return self._decisions[min(int(seen.position), len(self._decisions) - 1)]

    def in_call(self, seen: Seen) -> Decision:
        """Nothing is ever asked for."""
        return SKIP

    def after(self, seen: Seen) -> None:
        """Nothing is learnt."""


def start(schedule: Schedule | AdaptiveSchedule, timeline: Timeline) -> Course:
    """The course of any schedule through a run."""
    return schedule.start(timeline) if isinstance(schedule, AdaptiveSchedule) else FixedCourse(schedule, timeline)


def held_bytes(course: object) -> int:
    """Memory of the tensors that a course keeps; those that it shares with a history count twice."""
    if isinstance(course, Tensor):
        return course.nbytes
    if isinstance(course, list | tuple):
        return sum(held_bytes(part) for part in course)
    return sum(held_bytes(part) for part in vars(course).values()) if hasattr(course, "needs") else 0


def why_none_is_skipped(schedule: object, steps: int) -> str:
    """Why a schedule that skips nothing in a run of so many steps does so, and what to change."""
    interval, warmup = getattr(schedule, "interval", None), getattr(schedule, "warmup", None)
    if interval == 1:
        return "With interval 1 every step is computed; set it to 2 or more."
    if steps <= TOO_FEW:
        return f"There are too few steps ({steps}) to forecast any of them; sample more steps."
    if warmup is not None and warmup >= steps:
        return f"The warm-up takes {warmup} steps, and the run has {steps}; lower warmup_steps or sample more steps."
    return (f"With {steps} steps the schedule computes each; sample more steps, or set a longer interval or a higher "
            "threshold.")
