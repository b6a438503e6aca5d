"""From traces to a calibration: the best places for several numbers of full steps, and how close the picture is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..errors import TapError
from ..sampling.pool_settings import PoolSettings
from ..schedules.placed import by_change, place
from ..timeline import Timeline
from .expected import expected_closeness
from .gap_costs import GapCosts
from .gap_errors import GapErrors
from .learned_rows import learned_weights
from .moved_sigmas import OFF, moved_sigmas
from .placement import MOST_PLACES, PlacementSearch, Progress
from .rows import Rows
from .text import Calibration, CalibrationLine
from .trace import Trace

COUNTS = (5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 32)
# The longest gap that is searched, as a multiple of the mean gap at the smallest count; 1.7 takes three times as long
# and finds nothing better from 7 full steps on.
LONGEST = 1.2


@dataclass(frozen=True)
class PlannedRun:
    """Settings of the run to accelerate. calls: a number of full steps that must be among the lines.

    repaid: whether drift will be repaid. trusting: whether trust will be learned. weights: whether weights are learned
    for that number. moved: which sigmas are moved for it, see moved_sigmas.py.
    """

    pool: PoolSettings
    proxy_loss: str = "cosine"
    time_axis: str = "step"
    calls: int = 10
    repaid: bool = True
    trusting: bool = True
    weights: bool = False
    moved: str = OFF


def calibrate(traces: Sequence[Trace], planned: PlannedRun, progress: Progress = lambda share: None) -> Calibration:
    """The best placements over all traces. Raises TapError for traces that do not belong together."""
    first = check_traces(traces)
    given = given_placement(traces, planned.calls)
    # Weights that were learned for other places say nothing of the places that are searched.
    pool = replace(planned.pool, learned=None)
    rows = Rows(pool.pool(), Timeline(first.sigmas, planned.time_axis))
    whole = [trace for trace in traces if not trace.full] or traces
    errors = [GapErrors(trace, rows, planned.proxy_loss, planned.repaid) for trace in whole]
    counts = counts_for(first.steps, planned.calls)
    if planned.trusting:
        usual = place(by_change(first.sigmas[:-1], first.mixed), min(planned.calls, first.steps))
        for each in errors:
            each.learn_trust(usual)
    longest = max(math.ceil(LONGEST * first.steps / counts[0]), longest_gap(given, first.steps))
    costs = GapCosts(errors, rows.snapshots, longest)
    search = PlacementSearch(first.steps, costs.past_length, longest, costs.of, progress,
                             max(MOST_PLACES, counts[-1]))
    found = [placement.full for count in counts if (placement := search.best(count)) is not None]
    if not found:
        raise TapError("The measured run holds values that are not numbers. Look at its picture, and measure again.")
    found = [given if given and len(full) == len(given) else full for full in found]
    lines = [CalibrationLine(full, close.decibels, span=(close.low, close.high))
             for full, close in zip(found, expected_closeness(errors, found), strict=True)]
    lines = [_with_extras(line, traces, planned) if line.calls == planned.calls else line for line in lines]
    return Calibration(first.model, f"target {first.target}, {pool}", first.sigmas, tuple(lines))


def _with_extras(line: CalibrationLine, traces: Sequence[Trace], planned: PlannedRun) -> CalibrationLine:
    """The line with learned weights and moved sigmas, if they are wanted."""
    skipping, whole = ([trace for trace in traces if bool(trace.full) is skips] for skips in (True, False))
    if planned.weights:
        learned = learned_weights(traces, line.full).numbers
        line = replace(line, weights=learned if any(map(any, learned)) else ())
    if planned.moved != OFF:
        line = replace(line, sigmas=moved_sigmas(whole or skipping, line.full, planned.moved))
    return line


def given_placement(traces: Sequence[Trace], calls: int) -> tuple[int, ...]:
    """The full steps of the runs that skipped, which then are the placement for their number; () if none did.

    Raises TapError if they differ, or are not as many as the budget.
    """
    placements = list(dict.fromkeys(trace.full for trace in traces if trace.full))
    if len(placements) > 1:
        raise TapError("The measured runs skipped different steps; give all TAP Measure Run the same schedule.")
    if placements and len(placements[0]) != calls:
        raise TapError(f"The measured run computed {len(placements[0])} steps and forecast the others; set budget to "
                       f"{len(placements[0])}.")
    return placements[0] if placements else ()


def longest_gap(full: Sequence[int], steps: int) -> int:
    """Skipped steps of the longest gap; 0 if there are no full steps."""
    return max(after - step - 1 for step, after in pairwise([*full, steps])) if full else 0


def counts_for(steps: int, calls: int) -> list[int]:
    """Numbers of full steps to find placements for, in a run of `steps` steps; `calls` is one of them."""
    usual = [count for count in COUNTS if count <= 0.7 * steps]
    return sorted({*usual, min(calls, steps)})


def check_traces(traces: Sequence[Trace]) -> Trace:
    """The first trace. Raises TapError unless all are of one model, target and sigmas, and of whole pictures."""
    if not traces:
        raise TapError("There is no trace; connect TAP_TRACE of TAP Measure Run.")
    first = traces[0]
    for trace in traces[1:]:
        for name in ("model", "target", "sigmas"):
            if getattr(trace, name) != getattr(first, name):
                raise TapError(f"The traces differ in their {name}; measure runs that differ only in prompt and seed.")
    if any(len({condition.tokens for condition in trace.conditions}) > 1 for trace in traces):
        raise TapError("Prompts of the measured run cover different parts of the picture. Measure a run with prompts "
                       "for all of it; its placement is good for the other one too.")
    return first
