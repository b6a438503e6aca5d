"""How long a run still takes, guessed from its steps so far."""

import time
from collections.abc import Callable, Sequence
from statistics import mean, median

from ....tap_core.record.seconds_words import whole_seconds_words
from .plan_marks import SKIPPED, TO_COME

# The first step may load or compile; the second is the first that tells something.
LEAST = 2


class TimeLeft:
    """Takes the time between the ends of evaluations, so that nothing waits for the device."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._latest = clock, None
        self._seconds: dict[int, float] = {}

    def evaluated(self, step: int) -> None:
        """An evaluation of this step is over."""
        now = self._clock()
        if self._latest is not None:
            self._seconds[step] = self._seconds.get(step, 0.0) + now - self._latest
        self._latest = now

    def words(self, marks: Sequence[str], plan: str) -> str:
        """Such as "about 4 s left"; "" before that is known, and at the last step.

        marks: of the steps so far. plan: of all steps, "" if it is not known.
        """
        left = [step for step, mark in enumerate(marks) if mark == TO_COME]
        if not left or len(self._seconds) < LEAST:
            return ""
        seconds = sum(self._expected(marks, plan[step] if plan else "") for step in left)
        return f"about {whole_seconds_words(seconds)} left"

    def _expected(self, marks: Sequence[str], planned: str) -> float:
        """Seconds of a step that is planned so; the mean of all steps where the plan or such steps are not known."""
        alike = [taken for step, taken in self._seconds.items() if (marks[step] == SKIPPED) == (planned == SKIPPED)]
        return median(alike) if planned and alike else mean(self._seconds.values())
