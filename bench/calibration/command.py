"""What calibrating takes beside the full runs that it reads, and what its estimate is worth on other pictures.

`python3 bench/run.py calibration`; run nothing else at the same time, as it measures seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import mean

from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule

from figures.page import Page
from figures.table import table
from models.model_rows import Jobs, closeness, measure_models
from models.stage import MODELS, Course, Stage
from placement.command import OURS

SHOTS, TRACE_SHOTS, CALLS, REPEATS = range(100, 108), (903, 904, 905), (12, 10, 8, 7), 3


def seconds(job: Callable[[], object]) -> float:
    """The shortest of a few times."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        job()
        taken.append(time.perf_counter() - started)
    return min(taken)


def times(stage: Stage) -> dict[str, dict]:
    """Seconds of a run in full, of the same with TAP Measure Run on it, and of reading so many of these."""
    traces = [stage.trace(shot, Course()) for shot in TRACE_SHOTS]
    return {"seconds": {
        "full": seconds(partial(stage.sampled, [stage.model], TRACE_SHOTS[:1], Course(), TRACE_SHOTS[:1])),
        "measured": seconds(partial(stage.trace, TRACE_SHOTS[0], Course())),
        "read": {str(count): seconds(partial(calibrate, traces[:count], PlannedRun(PoolSettings())))
                 for count in range(1, len(traces) + 1)},
    }}


def estimates(stage: Stage) -> dict[str, dict]:
    """By calls, what a calibration on two runs expects, what runs of other pictures tell, and what these show."""
    found = calibrate([stage.trace(shot, Course()) for shot in TRACE_SHOTS[:2]], PlannedRun(PoolSettings()))
    fulls, rows = stage.takes(SHOTS, Course()), {}
    for calls in CALLS:
        line = found.line(calls)
        settings = TapSettings(**OURS, given_schedule=ListedSchedule(line.full))
        takes = stage.takes(SHOTS, Course(alone=True), settings)  # each tells of itself
        told = mean(take.record.closeness.decibels for take in takes if take.record.closeness)
        rows[str(calls)] = {"expected": line.decibels, "told": told, **closeness(takes, fulls)}
    return {"estimates": rows}


def jobs(stage: Stage) -> Jobs:
    """Both rows of a model."""
    return {"seconds": partial(times, stage), "estimates": partial(estimates, stage)}


def markdown(found: dict) -> str:
    """Two tables."""
    part = {(row["model"], row["name"]): row[row["name"]] for row in found["rows"]}
    models = [name for name in MODELS if (name, "seconds") in part]
    taken = table(("model", "full run", "measured", "reading 1", 2, 3),
                  ((model, *time_cells(part[model, "seconds"])) for model in models))
    cells = {model: [part[model, "estimates"][str(calls)] for calls in CALLS] for model in models}
    expected = table(("model", *CALLS), (
        (model, *(f"{cell['expected']:.1f} / {cell['told']:.1f} / {cell['psnr']:.1f} ({cell['worst']:.1f})"
                  for cell in row))
        for model, row in cells.items()))
    about = f"Expected / told / mean PSNR (worst), dB, of {len(SHOTS)} other prompts, by calls, of 50."
    return "\n".join(["Seconds. In brackets the share of the full runs that are read.", "", *taken, "",
                      about, "", *expected])


def time_cells(row: Mapping) -> list[str]:
    """A row of the first table."""
    full = row["full"]
    read = (f"{taken:.2f} ({taken / (int(count) * full):.0%})" for count, taken in row["read"].items())
    return [f"{full:.2f}", f"{row['measured']:.2f} (+{row['measured'] / full - 1:.0%})", *read]


PAGE = Page("calibration", markdown)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    measure_models(PAGE, __doc__, arguments, jobs)
