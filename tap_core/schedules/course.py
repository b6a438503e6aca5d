"""A schedule in one run."""

from torch import Tensor

from ..schedule import AdaptiveSchedule, AnySchedule, Course, Decision, Schedule, Seen
from ..timeline import Timeline
from .taylor_history import TaylorHistory

# In runs of up to this many steps the paper's schedule and the pack's own compute each step.
TOO_FEW = 3


class FixedCourse(Course):
    """The course of a schedule whose decisions are known before the run."""

    def __init__(self, schedule: Schedule, timeline: Timeline) -> None:
        self._decisions = [schedule.decide(step, timeline) for step in range(timeline.steps)]
        self.planned = [decision.full for decision in self._decisions]
        self.skips_any = not all(self.planned)

    def before(self, seen: Seen) -> Decision:
        """As decided for its step."""
        return self._decisions[min(int(seen.position), len(self._decisions) - 1)]


def start(schedule: AnySchedule, timeline: Timeline) -> Course:
    """The course of any schedule through a run."""
    return schedule.start(timeline) if isinstance(schedule, AdaptiveSchedule) else FixedCourse(schedule, timeline)


def held_bytes(course: object) -> int:
    """Bytes of the tensors that a course keeps; tensors that it shares with a history are counted twice."""
    if isinstance(course, Tensor | TaylorHistory):
        return course.nbytes
    if isinstance(course, list | tuple):
        return sum(held_bytes(part) for part in course)
    return sum(held_bytes(part) for part in vars(course).values()) if isinstance(course, Course) else 0


def why_none_is_skipped(schedule: AnySchedule, timeline: Timeline) -> str:
    """Why a schedule skips nothing in a run, and what to change; some schedules know more of it."""
    steps = timeline.steps
    if steps > TOO_FEW and (why := schedule.why_none(timeline)):
        return why
    interval, warmup = getattr(schedule, "interval", None), getattr(schedule, "warmup", None)
    if interval == 1:
        return "With interval 1 every step is computed; set it to 2 or more."
    if steps <= TOO_FEW:
        return f"There are too few steps ({steps}) to forecast any of them; sample more steps."
    if warmup is not None and warmup >= steps:
        return f"The warm-up takes {warmup} steps, and the run has {steps}; lower the warm-up or sample more steps."
    return (f"With {steps} steps the schedule computes each; sample more steps, or set a longer interval or a higher "
            "threshold.")
