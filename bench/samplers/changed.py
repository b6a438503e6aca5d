"""Repaying where the prompt changes during the run: one prompt in the first half, another one after it.

`python3 bench/run.py samplers changed`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/samplers_changed_MODEL.json. across: slopes interpolated across the change, as before 2026-12-01.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import product
from unittest.mock import patch

from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.sampling.slopes import Slopes

from figures.page import Page
from figures.table import table
from models.kept_rows import add_missing, all_rows
from models.model_rows import carry_on, closeness
from models.stage import Course, Stage, Take

SAMPLERS, GUIDANCE = ("euler", "heun", "dpmpp_2m", "uni_pc"), (1.0, 2.0)
# Warm-up by steps and interval; and where the prompt changes.
COUNTS, CHANGES = {(20, 2): 1, (50, 5): 3}, (0.3, 0.5)
SHOTS = range(216, 222)
WAYS = {"off": "off", "across": "on", "on": "on"}  # to correction
OTHER = 1000  # from a picture's number to that of its second prompt
KEY = ("sampler", "cfg", "steps", "interval", "change")


@contextmanager
def two_prompts(stage: Stage, change: float) -> Iterator[None]:
    """Prompts of the stage are replaced by another one after this share of the run."""
    one = stage.prompt

    def prompt(number: int) -> tuple[list, list]:
        (positive, negative), (other, _) = one(number), one(number + OTHER)
        return [*_during(positive, 0.0, change), *_during(other, change, 1.0)], negative

    with patch.object(stage, "prompt", prompt):
        yield


def _during(conditioning: list, start: float, end: float) -> list:
    return [[text, {**values, "start_percent": start, "end_percent": end}] for text, values in conditioning]


def measured(stage: Stage, sampler: str, cfg: float, steps: int, interval: int, change: float) -> dict:
    """A row's rest: how close pictures are without repaying, with slopes interpolated across the change, and as it is.
    """
    course = Course(steps=steps, sampler=sampler, cfg=cfg)
    with two_prompts(stage, change):
        fulls = stage.takes(SHOTS, course)
        found = {way: _takes(stage, course, way == "across", interval=interval, correction=correction,
                             warmup_steps=COUNTS[steps, interval]) for way, correction in WAYS.items()}
    return {"calls": found["on"][0].calls, "told": found["on"][0].record.closeness.decibels,
            **{way: closeness(takes, fulls) for way, takes in found.items()}}


def _takes(stage: Stage, course: Course, across: bool, **settings: object) -> list[Take]:
    with patch.object(Slopes, "jump", lambda slope, before: False) if across else nullcontext():
        return stage.takes(SHOTS, course, TapSettings(**settings))


def markdown(found: dict) -> str:
    """Mean PSNR (worst) of the three ways, by sampler, guidance, count and change, a column a model."""
    rows = found["rows"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    lines = [f"The prompt changes after {' or '.join(f'{change:.0%}' for change in CHANGES)} of the run. Mean "
             f"PSNR in dB (worst) over {len(SHOTS)} pictures: not repaid / interpolated across the change / as it is.",
             ""]
    return "\n".join([*lines, *table(("", *models), (
        (f"{sampler}, CFG {cfg:g}, {steps} steps, interval {interval}, {change:.0%}",
         *(shown(rows, model, (sampler, cfg, steps, interval, change)) for model in models))
        for sampler, cfg, (steps, interval), change in product(SAMPLERS, GUIDANCE, COUNTS, CHANGES)))])


def shown(rows: Sequence[dict], model: str, wanted: tuple) -> str:
    """A cell of the table."""
    for row in rows:
        if row["model"] == model and tuple(row[name] for name in KEY) == wanted:
            return " / ".join(f"{row[way]['psnr']:.1f} ({row[way]['worst']:.1f})" for way in WAYS)
    return "-"


def kept() -> dict:
    """The rows of all models found so far."""
    return all_rows("samplers", "changed")


PAGE = Page("samplers_changed", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    carry_on(PAGE, __doc__, arguments, measure_model)


def measure_model(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not kept yet, or are of other weights."""
    cells = (dict(zip(KEY, (sampler, cfg, *count, change), strict=True))
             for sampler, cfg, count, change in product(SAMPLERS, GUIDANCE, COUNTS, CHANGES))
    add_missing("samplers", "changed", stage, arguments, fresh, cells, lambda cell: measured(stage, **cell))
