"""How close runs with given full steps will say that they are, from traces of full runs."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from ..closeness import LEAST
from ..schedules.drift_rates import line_of
from ..timeline import Timeline
from .gap_errors import GapErrors


def expected_decibels(errors: Sequence[GapErrors], full: Sequence[int]) -> float:
    """The mean over the traces, in dB; see tap_core/closeness.py."""
    return mean(_told(each, full) for each in errors)


def _told(errors: GapErrors, full: Sequence[int]) -> float:
    trace = errors.trace
    timeline = Timeline(trace.sigmas, mixed=trace.mixed, guidance=trace.guidance)
    line = replace(line_of(timeline, closer=0.0), open_end=full[-1] < trace.steps - 1)
    close = line.closeness(errors.drift(full))
    return LEAST if close is None else close.decibels
