"""What runs tell of themselves against what is measured, by steps, guidance, sampler, interval and method.

`python3 bench/run.py closeness telling`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/closeness_telling_MODEL.json, the table in bench/closeness/README.md is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from tap_pack.tap_core.calibrate.budget import Budget
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.calibrate.calibrated import CalibratedSchedule
from tap_pack.tap_core.calibrate.text import Calibration
from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.interval import IntervalSchedule

from closeness.courses import course_of
from closeness.telling_table import CALIBRATED, DEFAULTS, TAP, TAYLORSEER, WAYS, markdown
from figures.metrics import psnr
from figures.page import Page
from methods.dials import known_count
from models.kept_rows import add_missing, all_rows
from models.model_rows import carry_on
from models.paper_settings import PAPER_SETTINGS
from models.stage import EQUAL, Course, Stage, Take

STEPS, GUIDANCE, INTERVALS = (20, 50, 8, 28), (1.0, 2.0, 4.0, 6.0), range(2, 11)
SAMPLERS = ("euler", "heun", "dpmpp_2m", "uni_pc", "res_multistep", "euler_ancestral", "lcm")
# Calibrations read the second; no constant of the estimate was chosen on the first.
SHOTS, TRACE_SHOTS = (540, 541), (903, 904)


class Cell(NamedTuple):
    """A row before it is measured."""

    steps: int
    cfg: float
    sampler: str
    way: str
    interval: int


def cells() -> Iterator[Cell]:
    """Steps, guidance, sampler, way and interval: each combination of the first four, the intervals in turn."""
    for number, (steps, cfg, sampler) in enumerate(product(STEPS, GUIDANCE, SAMPLERS)):
        for place, way in enumerate(WAYS):
            # 7 samplers and 9 intervals: each sampler gets all of them, and the ways of a row do not share theirs.
            yield Cell(steps, cfg, sampler, way, INTERVALS[(number + 2 * place) % len(INTERVALS)])


class Telling:
    """One model."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pictures = lru_cache(maxsize=1)(self._fulls)
        self._calibration = lru_cache(maxsize=None)(self._calibrated)

    def row(self, cell: Cell) -> dict:
        """Told with its span, PSNR and calls of each picture; nothing is told where the run said nothing."""
        steps, cfg, sampler, way, interval = cell
        course, found = course_of(steps, sampler, cfg), {"told": [], "psnr": [], "calls": []}
        settings = self._settings(course, way, interval)
        for shot, full in zip(SHOTS, self._pictures(course), strict=True):
            take = self._stage.take(shot, course, settings)
            closeness = take.record.closeness
            found["told"].append(closeness and [closeness.low, closeness.decibels, closeness.high])
            found["psnr"].append(min(psnr(take.frames, full.frames), EQUAL))
            found["calls"].append(take.calls)
        return found

    def _fulls(self, course: Course) -> list[Take]:
        return [self._stage.take(shot, course) for shot in SHOTS]

    def _settings(self, course: Course, way: str, interval: int) -> TapSettings:
        warmup = 1 if course.steps < 20 else 3
        own = TapSettings(interval=interval, warmup_steps=warmup)
        if way == DEFAULTS:
            return own
        if way == CALIBRATED:
            calls = known_count(own, self._stage.sigmas(course))
            return TapSettings(given_schedule=CalibratedSchedule(self._calibration(course.steps, course.cfg),
                                                                 Budget(calls)))
        if way == TAP:
            return TapSettings(**PAPER_SETTINGS, interval=interval, warmup_steps=warmup)
        return TapSettings(**PAPER_SETTINGS, given_pool=METHODS[TAYLORSEER].pool,
                           given_schedule=IntervalSchedule(interval, warmup))

    def _calibrated(self, steps: int, cfg: float) -> Calibration:
        """From two other pictures with euler, whichever sampler follows."""
        traces = [self._stage.trace(shot, Course(steps=steps, cfg=cfg)) for shot in TRACE_SHOTS]
        return calibrate(traces, PlannedRun(PoolSettings()))


def all_kept() -> dict:
    """The rows of each model that was measured."""
    return all_rows("closeness", "telling")


PAGE = Page("closeness_telling", markdown, read=all_kept)


def measure(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """The rows of a model that are missing."""
    study = Telling(stage)
    add_missing("closeness", "telling", stage, arguments, fresh, (cell._asdict() for cell in cells()),
                lambda cell: study.row(Cell(**cell)))


def run(arguments: Sequence[str]) -> None:
    """The command."""
    carry_on(PAGE, __doc__, arguments, measure)
