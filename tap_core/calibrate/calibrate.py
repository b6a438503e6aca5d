"""From traces to a calibration: where full steps pay most, for several numbers of them, and how near the picture is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import TapError
from ..sampling.pool_settings import PoolSettings
from ..schedules.placed import by_change, place
from ..timeline import Timeline
from .gap_costs import GapCosts
from .gap_errors import GapErrors
from .placement import MOST_PLACES, PlacementSearch, Progress
from .rows import Rows
from .text import Calibration, Line
from .trace import Trace

COUNTS = (5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 32)
# Chains of skipped steps are searched up to this many times the mean one of the smallest count; 1.7 takes three
# times as long and finds nothing better from 7 full steps on.
LONGEST = 1.2
# PSNR of the decoded picture over that of the latent: measured on the demo's autoencoder. Others differ by a few dB.
DECODER = 19.5
MOST_DECIBELS = 99.0


@dataclass(frozen=True)
class PlannedRun:
    """What the accelerated run will be told. calls: a number of full steps that must be among the lines.

    repaid: whether drift will be repaid, where the sampler allows it. trusting: whether trust will be learned.
    """

    pool: PoolSettings
    proxy_loss: str = "cosine"
    time_axis: str = "step"
    calls: int = 10
    repaid: bool = True
    trusting: bool = True


def calibrate(traces: Sequence[Trace], wanted: PlannedRun, progress: Progress = lambda share: None) -> Calibration:
    """The best placements over all traces. Raises TapError for traces that do not belong together."""
    first = check_alike(traces)
    rows = Rows(wanted.pool.pool(), Timeline(first.sigmas, wanted.time_axis))
    errors = [GapErrors(trace, rows, wanted.proxy_loss, wanted.repaid) for trace in traces]
    counts = counts_for(first.steps, wanted.calls)
    if wanted.trusting:
        usual = place(by_change(first.sigmas[:-1], first.mixed), min(wanted.calls, first.steps))
        for each in errors:
            each.learn_trust(usual)
    longest = math.ceil(LONGEST * first.steps / counts[0])
    costs = GapCosts(errors, rows.snapshots, longest)
    search = PlacementSearch(first.steps, costs.apart, longest, costs.of, progress,
                             max(MOST_PLACES, counts[-1]))
    found = [placement.full for count in counts if (placement := search.best(count)) is not None]
    if not found:
        raise TapError("The measured run holds values that are no numbers. Look at its picture, and measure again.")
    # How much repaying helps varies from picture to picture; an estimate without it is nearer.
    lines = tuple(Line(full, expected_psnr(costs.unrepaid(full, first.steps))) for full in found)
    return Calibration(first.model, f"target {first.target}, {wanted.pool}", first.sigmas, lines)


def counts_for(steps: int, calls: int) -> list[int]:
    """Numbers of full steps that are placed, for a run of so many steps, the wanted one among them."""
    usual = [count for count in COUNTS if count <= 0.7 * steps]
    return sorted({*usual, min(calls, steps)})


def expected_psnr(error: float) -> float:
    """PSNR of the picture to be expected where the latent's mean square error is this."""
    return min(DECODER - 10 * math.log10(max(error, 1e-30)), MOST_DECIBELS)


def check_alike(traces: Sequence[Trace]) -> Trace:
    """The first trace. Raises TapError unless all are of one model, target and sigmas, and of whole pictures."""
    if not traces:
        raise TapError("There is no trace; connect TAP_TRACE of TAP Measure Run.")
    first = traces[0]
    for trace in traces[1:]:
        for name in ("model", "target", "sigmas"):
            if getattr(trace, name) != getattr(first, name):
                raise TapError(f"The traces differ in their {name}; measure runs that differ in prompt and seed alone.")
    if any(len({condition.tokens for condition in trace.conditions}) > 1 for trace in traces):
        raise TapError("Prompts of the measured run cover different parts of the picture. Measure a run with prompts "
                       "for all of it; what is found serves the other one too.")
    return first
