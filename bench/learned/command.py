"""Weights of forecasts learned from runs (L2P), and sigmas moved to fit the computed steps (BudCache's second stage).

`python3 bench/run.py learned`. Three models, euler, 10 calls at the steps that TAP Calibrate finds. Everything is
learned on two pictures and scored on four others, against the full picture of the scheduler's own sigmas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.calibrate.moved_sigmas import ALL, SKIPPED
from tap_pack.tap_core.calibrate.text import Calibration
from tap_pack.tap_core.calibrate.trace import Trace
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule

from figures.page import Page
from figures.table import table
from models.model_rows import Jobs, closeness, measure_models, shown
from models.stage import MODELS, Course, Stage

SHOTS, TRACE_SHOTS, CALLS = range(100, 104), (903, 904), 10
WEIGHT_COURSES = {"20 steps": Course(steps=20), "50 steps": Course()}
SIGMA_COURSES = {"CFG 1": Course(steps=20, cfg=1.0), "CFG 4": Course(steps=20, cfg=4.0)}
POOLS = ("TAP's own", "learned on full runs", "learned on skipping runs", "learned on skipping runs, beside TAP's own")
SIGMAS = ("as they are", "moved: skipped steps", "moved: all steps")
MOVED_FULL = "moved: {which}, every step computed"


def calibrated(traces: Sequence[Trace], **wanted: object) -> Calibration:
    """What TAP Calibrate finds in these runs."""
    return calibrate(traces, PlannedRun(PoolSettings(), calls=CALLS, **wanted))


def weights(stage: Stage, course: Course) -> dict[str, dict]:
    """Scores of each pool."""
    whole = [stage.trace(shot, course) for shot in TRACE_SHOTS]
    opened = calibrated(whole, weights=True)
    schedule = ListedSchedule(opened.line(CALLS).full)
    first = PoolSettings(learned=opened.learned(CALLS))
    skipping = [stage.trace(shot, course, schedule=schedule, pool=first) for shot in TRACE_SHOTS]
    closed = calibrated([*whole, *skipping], weights=True).learned(CALLS)
    pools = (None, first, PoolSettings(learned=closed), PoolSettings(learned=closed, learned_beside=True))
    fulls, scores = stage.takes(SHOTS, course), {}
    for name, pool in zip(POOLS, pools, strict=True):
        settings = TapSettings(given_schedule=schedule, given_pool=pool)
        scores[name] = closeness(stage.takes(SHOTS, course, settings), fulls)
    return {"full": list(schedule.steps), "scores": scores}


def sigmas(stage: Stage, course: Course) -> dict[str, dict]:
    """Scores of the same steps with the scheduler's sigmas, and with moved ones."""
    whole = [stage.trace(shot, course) for shot in TRACE_SHOTS]
    fulls, scores, moves = stage.takes(SHOTS, course), {}, {}
    schedule = ListedSchedule(calibrated(whole).line(CALLS).full)
    settings = TapSettings(given_schedule=schedule)
    scores[SIGMAS[0]] = closeness(stage.takes(SHOTS, course, settings), fulls)
    for name, which in zip(SIGMAS[1:], (SKIPPED, ALL), strict=True):
        moves[which] = calibrated(whole, moved=which).line(CALLS).sigmas
        moved = replace(course, moved=moves[which])
        scores[name] = closeness(stage.takes(SHOTS, moved, settings), fulls)
        scores[MOVED_FULL.format(which=which)] = closeness(stage.takes(SHOTS, moved), fulls)
    return {"full": list(schedule.steps), "sigmas": moves, "scores": scores}


def jobs(stage: Stage) -> Jobs:
    """The rows of a model."""
    return {**{f"weights, {name}": partial(weights, stage, course) for name, course in WEIGHT_COURSES.items()},
            **{f"sigmas, {name}": partial(sigmas, stage, course) for name, course in SIGMA_COURSES.items()}}


def markdown(found: dict) -> str:
    """Two tables."""
    rows = {(row["model"], row["name"]): row["scores"] for row in found["rows"]}
    models = [model for model in MODELS if any(name == model for name, _ in rows)]
    first = table(("weights", "steps", *models), (
        (pool, course, *(_cell(rows, model, f"weights, {course}", pool) for model in models))
        for course in WEIGHT_COURSES for pool in POOLS))
    names = (SIGMAS[0], *(name for which, moved in zip((SKIPPED, ALL), SIGMAS[1:], strict=True)
                          for name in (moved, MOVED_FULL.format(which=which))))
    second = table(("sigmas", "guidance", *models), (
        (name, course, *(_cell(rows, model, f"sigmas, {course}", name) for model in models))
        for course in SIGMA_COURSES for name in names))
    about = f"Mean PSNR in dB (worst) / mean PSNR of the latents, {len(SHOTS)} pictures, {CALLS} calls."
    moved = f"20 steps, {CALLS} calls; with every step computed, what moving alone does."
    return "\n".join([about, "", *first, "", moved, "", *second])


def _cell(rows: dict, model: str, row: str, name: str) -> str:
    return shown(rows.get((model, row), {}).get(name))


PAGE = Page("learned", markdown)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    measure_models(PAGE, __doc__, arguments, jobs)
