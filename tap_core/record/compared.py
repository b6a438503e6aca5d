"""By how much pictures were closer than their runs had told, and so what closer_than_told is to be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median_low

from ..closeness import MOST_CLOSER

# One picture says little: the middle one of so many is set (bench/closeness/README.md).
ENOUGH = 3
# No more are kept, so that what was changed since is soon forgotten.
KEPT = 5
# So many dB between told and measured are worth a setting.
WORTH_SETTING = 4.0
# What pictures at 60 dB are closer than told is not all there at the 42 that is asked for: so much of it is set.
PART = 0.6


@dataclass
class Compared:
    """The pictures of one TAP node that were compared, since ComfyUI made its output."""

    _closer: dict[tuple[object, ...], dict[int, float]] = field(default_factory=dict)

    def add(self, run: int, course: tuple[object, ...], closer: float) -> list[float]:
        """How many dB the picture of a run was closer than told; with it those of earlier runs, oldest first.

        A run that is compared again counts once. course: what compares, and how it was sampled: runs of other courses
        are not among them.
        """
        runs = {**self._closer.get(course, {}), run: closer}
        self._closer[course] = dict(list(runs.items())[-KEPT:])
        return list(self._closer[course].values())


def middle_of(closer: Sequence[float]) -> float:
    """The middle one, of two the lower one: how many dB pictures are usually closer than told."""
    return median_low(closer)


def setting_for(closer: Sequence[float], before: float = 0.0) -> int | None:
    """What to set closer_than_told to, for pictures so much closer than told; None where that is not worth it.

    Nor is it where there are no pictures. before: what it was for them.
    """
    if not closer:
        return None
    middle = middle_of(closer)
    value = max(-MOST_CLOSER, min(MOST_CLOSER, round(before + middle * (PART if middle > 0 else 1))))
    return None if abs(middle) < WORTH_SETTING or value == before else value
