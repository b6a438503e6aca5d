"""How close runs with given full steps will say that they are, from traces of full runs."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from ..closeness import LEAST, MOST, Closeness
from .gap_errors import GapErrors
from .trace import Trace


def expected_closeness(errors: Sequence[GapErrors], placements: Sequence[Sequence[int]]) -> list[Closeness]:
    """Means over the traces; as far off as can be where runs could not tell, as no gap is closed."""
    told = [[_told(each.trace, full, drift) for full, drift in zip(placements, each.drifts(placements), strict=True)]
            for each in errors]
    return [Closeness(*(mean(getattr(one, name) for one in runs) for name in ("decibels", "low", "high")))
            for runs in zip(*told, strict=True)]


def _told(trace: Trace, full: Sequence[int], drift: float | None) -> Closeness:
    if len(full) == trace.steps:
        return Closeness(MOST, MOST, MOST)
    # Forecast slopes turn less than those of the full run, about by the share of the steps that are forecast.
    line = replace(trace.line, open_end=full[-1] < trace.steps - 1, turned=trace.line.turned * len(full) / trace.steps)
    close = None if drift is None else line.closeness(drift)
    return close or Closeness(LEAST, 0.0, LEAST)
