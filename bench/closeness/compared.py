"""How often wishes are met once closer_than_told is set by what TAP Compare said of one picture, or of three.

`python3 bench/run.py closeness compared`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/closeness_compared_MODEL.json, the table in bench/closeness/README.md is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

from tap_pack.tap_core.record.compared import ENOUGH, setting_for
from tap_pack.tap_core.sampling.settings import TapSettings

from closeness.compared_table import NONE, ONE, QUALITIES, THREE, markdown
from closeness.courses import COURSES, course_of
from figures.metrics import psnr
from figures.page import Page
from models.kept_rows import add_missing, all_rows
from models.model_rows import carry_on
from models.stage import EQUAL, Course, Stage, Take

# The number is set by the first; wishes are counted on the others. Nothing was chosen on either.
COMPARED, SHOTS = (930, 931, 932), range(560, 568)


class Compared:
    """One model on one course; each picture by itself, as a batch is computed as often as its worst picture takes."""

    def __init__(self, stage: Stage, course: Course) -> None:
        self._stage, self._course = stage, replace(course, alone=True)

    def row(self, quality: str) -> dict:
        """What the pictures were closer than told, and calls and PSNR of others without a number and with what follows.

        No number follows where every step was computed.
        """
        plain = self._scored(TapSettings(quality=quality))
        if min(plain["calls"]) == self._course.steps:
            return {NONE: plain}
        takes = self._stage.takes(COMPARED, self._course, TapSettings(quality=quality))
        closer = [closer_by(*pair) for pair in zip(takes, self._compared, strict=True)]
        numbers = {NONE: 0.0, ONE: number_of(closer[:1], enough=1), THREE: number_of(closer)}
        scores = {0.0: plain}
        for number in {*numbers.values()} - {0.0}:
            scores[number] = self._scored(TapSettings(quality=quality, closer_than_told=number))
        return {"closer": closer, **{way: {"number": number, **scores[number]} for way, number in numbers.items()}}

    def _scored(self, settings: TapSettings) -> dict:
        takes = self._stage.takes(SHOTS, self._course, settings)
        return {"calls": [take.calls for take in takes],
                "psnr": [min(psnr(take.frames, full.frames), EQUAL)
                         for take, full in zip(takes, self._fulls, strict=True)]}

    @cached_property
    def _compared(self) -> list[Take]:
        return self._stage.takes(COMPARED, self._course)

    @cached_property
    def _fulls(self) -> list[Take]:
        return self._stage.takes(SHOTS, self._course)


def closer_by(take: Take, full: Take) -> float | None:
    """How many dB a picture is closer than its run told; None where no step was skipped."""
    told = take.record.closeness
    return None if told is None else psnr(take.frames, full.frames) - told.decibels


def number_of(closer: Sequence[float | None], enough: int = ENOUGH) -> float:
    """What TAP Compare says to set; 0 where fewer pictures were told of, or where it is not worth it."""
    seen = [each for each in closer if each is not None]
    return float(setting_for(seen) or 0) if len(seen) >= enough else 0.0


def all_kept() -> dict:
    """The rows of each model that was measured."""
    return all_rows("closeness", "compared")


PAGE = Page("closeness_compared", markdown, read=all_kept)


def measure(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """The rows of a model that are missing."""
    study = lru_cache(maxsize=1)(lambda *course: Compared(stage, course_of(*course)))
    cells = ({"steps": steps, "sampler": sampler, "cfg": cfg, "quality": quality}
             for steps, sampler, cfg in COURSES for quality in QUALITIES)
    add_missing("closeness", "compared", stage, arguments, fresh, cells,
                lambda cell: study(cell["steps"], cell["sampler"], cell["cfg"]).row(cell["quality"]))


def run(arguments: Sequence[str]) -> None:
    """The command."""
    carry_on(PAGE, __doc__, arguments, measure)
