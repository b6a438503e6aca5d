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


@dataclass
class Compared:
    """The pictures of one TAP node that were compared, since ComfyUI made its output."""

    _course: tuple[object, ...] = ()
    _closer: dict[int, float] = field(default_factory=dict)

    def add(self, run: int, course: tuple[object, ...], closer: float) -> list[float]:
        """How many dB the picture of a run was closer than told; with it those of earlier runs, oldest first.

        A run that is compared again counts once. course: noise levels and guidance; with others than before, earlier
        runs are forgotten.
        """
        if course != self._course:
            self._course, self._closer = course, {}
        self._closer[run] = closer
        self._closer = dict(list(self._closer.items())[-KEPT:])
        return list(self._closer.values())


def middle_of(closer: Sequence[float]) -> float:
    """The middle one, of two the lower one: how many dB pictures are usually closer than told."""
    return median_low(closer)


def setting_for(closer: Sequence[float], before: float = 0.0) -> int | None:
    """What to set closer_than_told to, for pictures so much closer than told; None where that is not worth it.

    before: what it was for these pictures.
    """
    middle = middle_of(closer)
    value = max(-MOST_CLOSER, min(MOST_CLOSER, round(before + middle)))
    return None if abs(middle) < WORTH_SETTING or value == before else value
