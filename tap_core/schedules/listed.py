"""An explicit list of full steps."""

from dataclasses import dataclass

from ..errors import TapError
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline

# No run has more steps.
MOST, MOST_DIGITS = 10_000, 9


@dataclass(frozen=True)
class ListedSchedule(Schedule):
    """Full at exactly these steps, counted from 0; step 0 is full in any case, as there is nothing to forecast from.

    Raises TapError for a list that is empty or out of order, and, when a run starts, for one that exceeds the run.
    """

    steps: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise TapError("The list of steps is empty; write some, such as 0, 1, 2, 7, 12.")
        if self.steps[0] < 0:
            raise TapError(f"The list of steps begins with {self.steps[0]}; steps are counted from 0.")
        for earlier, later in zip(self.steps, self.steps[1:], strict=False):
            if later <= earlier:
                raise TapError(f"In the list of steps {later} follows {earlier}; write each step once, in order.")

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step."""
        if self.steps[-1] >= timeline.steps:
            raise TapError(
                f"The list of steps goes up to {self.steps[-1]}, but this run has {timeline.steps} steps, "
                f"0 to {timeline.steps - 1}; shorten the list or sample more steps."
            )
        return Decision(full=True, reason="in the list") if step == 0 or step in self.steps else SKIP

    def why_none(self, timeline: Timeline) -> str:
        """Why nothing is skipped."""
        return f"The list has all of the run's {timeline.steps} steps; leave some out."


def parse_steps(text: str) -> tuple[int, ...]:
    """The steps in a text such as "0, 1, 2, 7-10". Raises TapError if it is not a list of steps."""
    steps: list[int] = []
    for entry in filter(None, (entry.strip() for entry in text.replace("\n", ",").split(","))):
        ends = [end.strip() for end in entry.split("-")]
        if len(ends) > 2 or not all(end.isdecimal() and len(end) <= MOST_DIGITS for end in ends):
            raise TapError(f"{entry[:40]!r} is not a step; write numbers between commas, such as 0, 1, 2, 7-10.")
        first, last = int(ends[0]), int(ends[-1])
        if last < first or last > MOST:
            raise TapError(f"{entry!r} is not a range of steps; write the lower number first, and none above {MOST}.")
        steps.extend(range(first, last + 1))
    return tuple(steps)
