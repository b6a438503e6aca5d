"""What a run had told of a picture that is now compared, and what to set for the next ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..closeness import LEAST, MOST, MOST_RENEWED
from ..record.compared import ENOUGH, middle_of, setting_for
from ..record.holder import OLDER, RecordHolder
from .comparison import Comparison

# A figure at its limit says nothing of the model.
LIMITS = (LEAST, MOST_RENEWED, MOST)


@dataclass(frozen=True)
class Told:
    """decibels: what the run had told. closer: how many dB its picture and earlier ones were closer, the newest last.

    before: closer_than_told of these runs. Without `closer` there is nothing to set.
    """

    decibels: float
    closer: Sequence[float] = ()
    before: float = 0.0

    @property
    def setting(self) -> int | None:
        """What closer_than_told is to be, None while too few pictures have shown it, or where it need not change."""
        return setting_for(self.closer, self.before) if len(self.closer) >= ENOUGH else None

    def __str__(self) -> str:
        """Such as "TAP had told about 39 dB.", and what to set."""
        told = f"TAP had told about {self.decibels:.0f} dB."
        value, more = setting_for(self.closer, self.before), ENOUGH - len(self.closer)
        if value is None:
            return told
        if more > 0:
            seeds = "one more seed: if it is" if more == 1 else f"{more} more seeds: if they are"
            return f"{told} Compare {seeds} as far off, set closer_than_told to {value}."
        off = round(middle_of(self.closer))
        seen = f"{abs(off)} dB {'closer' if off > 0 else 'less close'}"
        return (f"{told} Of the last {len(self.closer)} pictures the middle one was {seen} than told: set "
                f"closer_than_told to {value}, then compare again.")


def told_of(found: Comparison, holder: RecordHolder, by: str = "") -> Told | None:
    """What the latest run had told of this picture; None where it told nothing of it, or where nothing differs.

    by: the node that compares.
    """
    record = holder.latest
    if record is None or record.closeness is None or record.part_of_run or math.isinf(found.psnr):
        return None
    told = record.closeness.decibels
    if told in LIMITS or OLDER in record.fallbacks:
        return Told(told)
    # Of a batch a run tells the least close picture; the frames of a film are one picture.
    closer = (found.psnr if record.grid[0] > 1 else min(found.frames)) - told
    course = (by, record.sampler, record.guidance, record.grid, *record.sigmas)
    before = record.settings.get("closer_than_told", 0.0)
    return Told(told, holder.compared.add(holder.runs, course, closer), before)
