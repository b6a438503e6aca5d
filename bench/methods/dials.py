"""Turns a method's dials until so many steps are computed, as a mean over all scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedule import Seen
from tap_pack.tap_core.schedules.course import FixedCourse, start
from tap_pack.tap_core.timeline import Timeline

from methods.contenders import Contender, Dial

# A mean this close to the wanted number of steps is close enough; closer than the second, the search ends.
ENOUGH, SEARCHED = 0.5, 0.25
TURNS = 8
# So many values of a short list are tried on all scenes: those that are closest on the first scene.
FINALISTS = 3

Count = Callable[[object, int], int]


class DialTurner:
    """Finds the value of a dial; count: full steps of settings on the scene with this index; turns: tries, at most."""

    def __init__(self, count: Count, scenes: int, turns: int = TURNS) -> None:
        self._count, self._scenes, self._turns = count, scenes, turns
        self._seen: dict[tuple[str, int, float, int], int] = {}

    def turn(self, contender: Contender, budget: int) -> tuple[int, float]:
        """Index and value of the first dial that comes close enough to so many full steps, else of the closest one."""
        closest: tuple[float, int, float] | None = None
        for index, dial in enumerate(contender.dials):
            value = self._value(contender, index, dial, budget)
            error = abs(self._mean(contender, index, value) - budget)
            if error <= ENOUGH:
                return index, value
            if closest is None or error < closest[0]:
                closest = (error, index, value)
        return closest[1:]

    def _value(self, contender: Contender, index: int, dial: Dial, budget: int) -> float:
        """The value whose number of full steps is closest; the least of those that are equally close."""
        if dial.span:
            return self._bisected(contender, index, dial.span, budget)
        first = sorted(dial.values, key=lambda value: abs(self._one(contender, index, value, 0) - budget))
        return min(first[:FINALISTS], key=lambda value: (abs(self._mean(contender, index, value) - budget), value))

    def _bisected(self, contender: Contender, index: int, span: Sequence[float], budget: int) -> float:
        # What earlier budgets tried is known, and narrows the search.
        tried = {value for name, dial, value, scene in self._seen if (name, dial, scene) == (contender.name, index, 0)}
        known = {value: self._mean(contender, index, value) for value in tried}
        for _ in range(self._turns):
            if any(abs(count - budget) <= SEARCHED for count in known.values()):
                break
            low = max([v for v, count in known.items() if count > budget], default=span[0])
            high = min([v for v, count in known.items() if count < budget and v > low], default=span[1])
            value = (low * high) ** 0.5
            known[value] = self._mean(contender, index, value)
        return min(known, key=lambda value: (abs(known[value] - budget), value))

    def _mean(self, contender: Contender, index: int, value: float) -> float:
        return mean(self._one(contender, index, value, scene) for scene in range(self._scenes))

    def _one(self, contender: Contender, index: int, value: float, scene: int) -> int:
        key = (contender.name, index, value, scene)
        if key not in self._seen:
            self._seen[key] = self._count(contender.settings(value, index), scene)
        return self._seen[key]


def known_count(settings: TapSettings, sigmas: tuple[float, ...]) -> int | None:
    """How many steps are computed; None if that depends on the picture."""
    course = start(settings.schedule(), Timeline(sigmas))
    if not isinstance(course, FixedCourse):
        return None
    return sum(course.before(Seen(float(step), 0.0)).full for step in range(len(sigmas) - 1))
