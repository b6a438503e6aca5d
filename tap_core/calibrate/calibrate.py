"""From traces to a calibration: where full steps pay most, for several numbers of them, and how near the picture is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from ..errors import TapError
from ..pool_settings import PoolSettings
from ..timeline import Timeline
from .gap_errors import GapErrors
from .placement import PlacementSearch, Progress
from .rows import Past, Rows
from .text import Calibration, Line
from .trace import Trace

COUNTS = (5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 32)
# Chains of skipped steps are searched up to this many times the mean one of the smallest count.
LONGEST = 1.7
# PSNR of the decoded picture over that of the latent: measured on the demo's autoencoder. Others differ by a few dB.
DECODER = 19.5
MOST_DECIBELS = 99.0


@dataclass(frozen=True)
class Wanted:
    """What the accelerated run will be told. calls: a number of full steps that must be among the lines.

    repaid: whether drift will be repaid, where the sampler allows it.
    """

    pool: PoolSettings
    proxy_loss: str = "cosine"
    time_axis: str = "step"
    calls: int = 10
    repaid: bool = True


def calibrate(traces: Sequence[Trace], wanted: Wanted, progress: Progress = lambda share: None) -> Calibration:
    """The best placements over all traces. Raises TapError for traces that do not belong together."""
    first = check_alike(traces)
    rows = Rows(wanted.pool.pool(), Timeline(first.sigmas, wanted.time_axis))
    sought, expected = (
        [GapErrors(trace, rows, wanted.proxy_loss, repaid) for trace in traces] for repaid in (wanted.repaid, False)
    )
    counts = counts_for(first.steps, wanted.calls)
    longest = math.ceil(LONGEST * first.steps / counts[0])
    search = PlacementSearch(
        first.steps, rows.snapshots, longest, lambda pasts, ahead: mean_errors(sought, pasts, ahead), progress
    )
    found = [placement.full for count in counts if (placement := search.best(count)) is not None]
    # How much repaying helps varies from picture to picture; the estimate leaves it out, and is nearer for it.
    lines = tuple(Line(full, decibels(placement_error(expected, full, rows.snapshots))) for full in found)
    return Calibration(first.model, f"target {first.target}, {wanted.pool}", first.sigmas, lines)


def mean_errors(errors: Sequence[GapErrors], pasts: Sequence[Past], ahead: int) -> Tensor:
    """The mean over traces of `GapErrors.of`."""
    return sum(each.of(pasts, ahead) for each in errors) / len(errors)


def placement_error(errors: Sequence[GapErrors], full: Sequence[int], snapshots: int) -> float:
    """What the gaps of one placement add up to."""
    total, steps = 0.0, errors[0].trace.steps
    for number, (step, after) in enumerate(pairwise([*full, steps])):
        past = tuple(reversed(full[: number + 1]))[:snapshots]
        total += float(mean_errors(errors, [past], after - step - 1)[0, -1])
    return total


def counts_for(steps: int, calls: int) -> list[int]:
    """Numbers of full steps that are placed, for a run of so many steps, the wanted one among them."""
    usual = [count for count in COUNTS if count <= 0.7 * steps]
    return sorted({*usual, min(calls, steps)})


def decibels(error: float) -> float:
    """PSNR of the picture to be expected where the latent's mean square error is this."""
    return min(DECODER - 10 * math.log10(max(error, 1e-30)), MOST_DECIBELS)


def check_alike(traces: Sequence[Trace]) -> Trace:
    """The first trace. Raises TapError unless all are of one model, target and sigmas."""
    if not traces:
        raise TapError("There is no trace; connect TAP_TRACE of TAP Measure Run.")
    first = traces[0]
    for trace in traces[1:]:
        for name in ("model", "target", "sigmas"):
            if getattr(trace, name) != getattr(first, name):
                raise TapError(f"The traces differ in their {name}; measure runs that differ in prompt and seed alone.")
    return first
