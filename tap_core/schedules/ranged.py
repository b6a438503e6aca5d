"""A range of a run, within which steps may be skipped; outside it another schedule decides, or every step is full.

s_i: sigma of step i.  S(p): the sigma that a model has at the share p of its noise levels, ComfyUI's
`model_sampling.percent_to_sigma`.  Step i is in the range from a to b if S(a) >= s_i > S(b), as in its EasyCache node.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import TapError
from ..schedule import SKIP, AdaptiveSchedule, AnySchedule, Course, Decision, Schedule, Seen
from ..timeline import Timeline
from .course import start, why_none_is_skipped

OUTSIDE = Decision(full=True, reason="outside the range")


@dataclass(frozen=True)
class Range:
    """From start_percent to end_percent, each a share of the run from 0 to 1. Raises TapError for an impossible one."""

    start_percent: float = 0.0
    end_percent: float = 1.0

    def __post_init__(self) -> None:
        for name in ("start_percent", "end_percent"):
            if not 0 <= getattr(self, name) <= 1:
                raise TapError(f"{name} is {getattr(self, name)}; set it from 0 to 1.")
        if self.start_percent > self.end_percent:
            ends = f"start_percent is {self.start_percent:g}, above end_percent {self.end_percent:g}"
            raise TapError(f"{ends}; lower it.")

    @property
    def whole(self) -> bool:
        """Whether every step of any run is in it."""
        return self == Range()

    def holds(self, step: int, timeline: Timeline) -> bool:
        """Whether this step is in it."""
        begun = self.start_percent == 0 or timeline.has_come_to(self.start_percent, step)
        return begun and (self.end_percent == 1 or not timeline.has_come_to(self.end_percent, step))

    def __str__(self) -> str:
        """Such as "from 20 to 80 %"."""
        return f"from {100 * self.start_percent:g} to {100 * self.end_percent:g} %"


@dataclass(frozen=True)
class RangedSchedule(Schedule):
    """Decides by `schedule` in the range and by `outside` elsewhere; None computes every step there."""

    schedule: AnySchedule
    within: Range
    outside: AnySchedule | None = None

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step; for schedules that are known before the run."""
        one, *after = (self.schedule if self.within.holds(each, timeline) else self.outside
                       for each in range(step, min(step + 3, timeline.steps)))
        return OUTSIDE if one is None else remembered(one.decide(step, timeline), one, after)

    def notes(self, timeline: Timeline, model: str) -> list[str]:
        """What the report has to say about a run of this model."""
        return [note for part in _parts(self) for note in part.notes(timeline, model)]

    def why_none(self, timeline: Timeline) -> str:
        """Why every step of a run is computed, and what to change."""
        course = start(self.schedule, timeline)
        if not course.skips_any:
            return why_none_is_skipped(self.schedule, timeline)
        return (f"No step that could be forecast lies {self.within} of the run; set start_percent lower or end_percent "
                "higher.")

    @property
    def where(self) -> str:
        """What a plan has to add; "" where steps may be forecast everywhere."""
        return "" if self.outside else f", forecasts only {self.within} of the run"

    def __str__(self) -> str:
        """Its value in a report."""
        return f"{self.schedule} {self.within} of the run" + (f", else {self.outside}" if self.outside else "")


def remembered(decision: Decision, one: object, after: Sequence[object]) -> Decision:
    """The decision of a part; what it computes counts for the next ones where another part decides `after` it.

    A warm-up that is cut short has no end, at which the paper's schedule would begin to remember.
    """
    cut = decision.full and any(other is not one for other in after)
    return replace(decision, remember=True) if cut else decision


class RangedAdaptiveSchedule(RangedSchedule, AdaptiveSchedule):
    """The same where one of the two watches the run."""

    def start(self, timeline: Timeline) -> "RangedCourse":
        """Its course through a run."""
        return RangedCourse(self, timeline)


class RangedCourse(Course):
    """Two courses, of which each sees the whole run; the one in whose range a step lies decides it."""

    def __init__(self, schedule: RangedSchedule, timeline: Timeline) -> None:
        inside = [schedule.within.holds(step, timeline) for step in range(timeline.steps)]
        self._inner = start(schedule.schedule, timeline)
        outer = None if schedule.outside is None else start(schedule.outside, timeline)
        self._deciding = [self._inner if one else outer for one in inside]
        # What decides no step need not learn, and keeps nothing.
        self._courses = [course for course, steps in ((self._inner, any(inside)), (outer, not all(inside)))
                         if course is not None and steps]
        self.needs = frozenset().union(*(course.needs for course in self._courses))
        self.skips_any = any(map(_may_skip, self._deciding, range(timeline.steps)))

    def before(self, seen: Seen) -> Decision:
        """As the course of this step decides."""
        course, step = self._of(seen), int(seen.position)
        after = self._deciding[step + 1 : step + 3]
        return OUTSIDE if course is None else remembered(course.before(seen), course, after)

    def in_call(self, seen: Seen) -> Decision:
        """As the course that asked decides."""
        course = self._of(seen)
        return SKIP if course is None else course.in_call(seen)

    def after(self, seen: Seen) -> None:
        """Both learn."""
        for course in self._courses:
            course.after(seen)

    def foresee(self, renewed: float) -> None:
        """Only the schedule in the range may ask for that; see QualityCourse."""
        self._inner.foresee(renewed)

    @property
    def said(self) -> str:
        """Why every step in the range is computed."""
        return self._inner.said

    def _of(self, seen: Seen) -> Course | None:
        return self._deciding[min(int(seen.position), len(self._deciding) - 1)]


def ranged(
    schedule: AnySchedule, within: Range, outside: AnySchedule | None = None
) -> AnySchedule:
    """The schedule within a range, or itself where that is the whole run."""
    if within.whole:
        return schedule
    watches = isinstance(schedule, AdaptiveSchedule) or isinstance(outside, AdaptiveSchedule)
    return (RangedAdaptiveSchedule if watches else RangedSchedule)(schedule, within, outside)


def parts_of(schedule: AnySchedule) -> list[AnySchedule]:
    """The schedules that decide a run, without their ranges; most often it is one."""
    return list(_parts(schedule))


def _parts(schedule: object) -> Iterator[AnySchedule]:
    if not isinstance(schedule, RangedSchedule):
        yield schedule
        return
    for part in (schedule.schedule, schedule.outside):
        if part is not None:
            yield from _parts(part)


def _may_skip(course: Course | None, step: int) -> bool:
    return course is not None and (not course.planned[step] if course.planned else course.skips_any)
