"""A cell's row: the same pictures with every step computed, and by TAP with its drift repaid and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

from tap_pack.tap_core.sampling.settings import TapSettings

from models.kept_rows import add_missing
from models.model_rows import closeness
from models.stage import Course, Stage, Take
from samplers.cells import Cell, cells

Shots = tuple[range, ...]
# Repaying may cost so many dB of the mean, and of the worst picture, in any cell.
MEAN_RULE, WORST_RULE = 0.3, 1.0


def settings(cell: Cell, correction: str) -> TapSettings:
    """TAP's defaults, but for the number of full steps and whether drift is repaid."""
    return TapSettings(interval=cell.interval, warmup_steps=cell.warmup, correction=correction)


def measured(stage: Stage, cell: Cell, shots: Shots) -> dict:
    """A row's rest: how close the pictures are with the drift repaid and without."""
    course = Course(steps=cell.steps, sampler=cell.sampler, cfg=cell.cfg)
    fulls = full_pictures(stage, course, shots)
    takes = {name: sampled(stage, course, shots, settings(cell, name)) for name in ("off", "on")}
    return {"calls": takes["on"][0].calls, **{name: closeness(found, fulls) for name, found in takes.items()}}


@lru_cache(maxsize=1)
def full_pictures(stage: Stage, course: Course, shots: Shots) -> list[Take]:
    """The pictures with every step computed, kept for the cells that share them."""
    return sampled(stage, course, shots)


def sampled(stage: Stage, course: Course, shots: Shots, settings: TapSettings | None = None) -> list[Take]:
    """The pictures of a course."""
    return [take for batch in shots for take in stage.takes(batch, course, settings)]


def key(row: dict) -> tuple:
    """What tells a row from the others."""
    return tuple(row[name] for name in ("model", *Cell.__dataclass_fields__))


def below(rows: Sequence[dict]) -> list[dict]:
    """Rows in which repaying costs more than the rule allows."""
    return [row for row in rows if row["on"]["psnr"] < row["off"]["psnr"] - MEAN_RULE
            or row["on"]["worst"] < row["off"]["worst"] - WORST_RULE]


def measure_model(stage: Stage, arguments: Sequence[str], shots: Shots, fresh: bool, part: str = "",
                  steps: Sequence[int] | None = None) -> None:
    """Measures a model's rows that are not kept yet, or are of other weights. part: of the study; steps: only runs of
    so many.
    """
    add_missing("samplers", part, stage, arguments, fresh, map(asdict, cells(steps=steps)),
                lambda cell: measured(stage, Cell(**cell), shots))
