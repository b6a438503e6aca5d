"""The default quality against other ways to make as many model calls, at the settings of ComfyUI's templates.

`python3 bench/run.py closeness rivals`; it carries on where it was stopped, `--fresh` starts from nothing. Dials are
turned and schedulers chosen on one picture, scores are of others. Rows go to
bench/results/closeness_rivals_MODEL.json, the table in bench/closeness/README.md is made of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from statistics import mean

from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.growing import GrowingSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tqdm import tqdm

from closeness.courses import COURSES, DEFAULT, SHOTS, course_of
from closeness.rivals_table import EASYCACHE, FIXED, OWN, PLAIN, SPECTRUM, TAP, markdown
from figures.metrics import psnr
from figures.page import Page, read_results
from figures.results_file import write_results
from methods.contenders import Contender, Dial, fixed_contenders, our_contenders
from methods.dials import DialTurner, known_count
from methods.few_table import DEFAULTS
from methods.rows import DIAL_SHOT, TURNS, on_best_scheduler, undecoded
from models.model_rows import carry_on
from models.stage import EQUAL, MODELS, Course, Patch, Stage, Take
from placement.rivals import StockCache

PICTURES = 8  # at most, of a model
SOLVERS = ("euler", "dpmpp_2m", "uni_pc", "res_multistep")
# How often a sampler evaluates the model in one step, where that is not once.
EVALUATIONS = {"heun": 2}
# What ComfyUI's EasyCache node has for its threshold.
OWN_THRESHOLD = 0.2
# One step in N has no count between half of the steps and all, and few below; a longer warm-up has.
LONG_WARMUPS = tuple(Dial(lambda warmup, n=n: IntervalSchedule(n, int(warmup)), range(1, 50), says=f"1 in {n}")
                     for n in (2, 3))
LONG_GROWING = Dial(lambda warmup: GrowingSchedule(warmup=int(warmup)), range(1, 50), says="longer warm-up")


class Rivals:
    """One model on one course. row: what is found of it so far; keep: writes it down."""

    def __init__(self, stage: Stage, course: Course, row: dict, keep: Callable[[], None]) -> None:
        self._stage, self._course, self._keep = stage, course, keep
        self._parts = 1 + course.two_models  # of two models each has half of the steps, and of what is computed
        self._undecoded, self._shots = undecoded(stage), SHOTS[:PICTURES]
        self._turner = DialTurner(lambda settings, _: self._count(settings), 1, TURNS)
        self._scores: dict[str, dict] = row.setdefault("scores", {})

    def measure(self) -> None:
        """The default quality, then what makes as many calls; nothing else where every step is computed."""
        close = self._score(DEFAULT, lambda: (self._alone(TapSettings(quality=DEFAULT)), {}))
        calls = mean(close["calls"])
        if calls == self._course.steps:
            return
        budget = self._parts * math.ceil(int(calls + 0.5) / self._parts)
        fixed = fixed_settings(budget // self._parts, self._sigmas)
        self._score(FIXED, lambda: (self._together(fixed), {}))
        cache = StockCache("EasyCache")
        self._score(OWN, lambda: (self._alone(cache.settings(OWN_THRESHOLD)), {}))
        self._score(EASYCACHE, lambda: self._turned(cache, int(calls + 0.5)))
        for name, contender in published().items():
            self._score(name, lambda contender=contender: self._turned(contender, budget))
        self._score(PLAIN, lambda: (self._stage.takes(self._shots, replace(self._course, steps=budget)), {}))
        for sampler in SOLVERS:
            self._score(sampler, lambda sampler=sampler: self._solved(sampler, budget))

    @cached_property
    def _sigmas(self) -> tuple[float, ...]:
        """Of a run, or of its first model."""
        return self._stage.sigmas(self._course)[: self._course.steps // self._parts + 1]

    @cached_property
    def _fulls(self) -> list[Take]:
        return self._stage.takes(self._shots, self._course)

    @cached_property
    def _dial_full(self) -> Take:
        return self._undecoded.take(DIAL_SHOT, self._course)

    def _score(self, name: str, find: Callable[[], tuple[list[Take], dict]]) -> dict:
        """By picture the calls, in steps of the course, and the PSNR; found now if it is not there."""
        if name not in self._scores:
            takes, more = find()
            pairs = zip(takes, self._fulls, strict=True)
            self._scores[name] = {"calls": [take.calls for take in takes], **more,
                                  "psnr": [min(psnr(take.frames, full.frames), EQUAL) for take, full in pairs]}
            self._keep()
        return self._scores[name]

    def _turned(self, contender: Contender | StockCache, budget: int) -> tuple[list[Take], dict]:
        dial, value = self._turner.turn(contender, budget)
        settings = contender.settings(value, dial)
        takes = self._alone(settings) if callable(settings) else self._together(settings)
        return takes, {"dial": value, "says": contender.dials[dial].says}

    def _solved(self, sampler: str, budget: int) -> tuple[list[Take], dict]:
        """A sampler that evaluates the model as often as so many steps of the course, on its best scheduler."""
        steps = budget * EVALUATIONS.get(self._course.sampler, 1)
        course = replace(self._course, sampler=sampler, steps=steps)
        best = on_best_scheduler(self._undecoded, course, self._dial_full)
        return self._stage.takes(self._shots, best), {"scheduler": best.scheduler, "calls": [budget] * len(self._shots)}

    def _together(self, settings: TapSettings) -> list[Take]:
        return self._stage.takes(self._shots, self._course, settings)

    def _alone(self, settings: TapSettings | Patch) -> list[Take]:
        """For what decides by the picture."""
        course = replace(self._course, alone=True)
        if callable(settings):
            return self._stage.takes(self._shots, replace(course, patch=settings))
        return self._stage.takes(self._shots, course, settings)

    def _count(self, settings: TapSettings | Patch) -> int:
        """How many steps are computed for the picture by which dials are turned."""
        if callable(settings):
            return self._undecoded.take(DIAL_SHOT, replace(self._course, patch=settings)).calls
        return self._parts * known_count(settings, self._sigmas)


def fixed_settings(count: int, sigmas: tuple[float, ...]) -> TapSettings:
    """TAP's defaults with quality fixed and so many full steps."""
    defaults = next(each for each in our_contenders() if each.name == DEFAULTS)
    turner = DialTurner(lambda settings, _: known_count(settings, sigmas), 1)
    dial, value = turner.turn(defaults, count)
    return defaults.settings(value, dial)


def published() -> dict[str, Contender]:
    """Spectrum and the paper's TAP, with a dial that reaches every count."""
    found = {each.name: each for each in fixed_contenders()}
    paper = found["TAP"]
    spectrum = found["Spectrum"]
    return {SPECTRUM: replace(spectrum, dials=(*spectrum.dials, LONG_GROWING)),
            TAP: replace(paper, dials=(*paper.dials, *LONG_WARMUPS))}


def kept() -> dict:
    """The whole rows of all models found so far."""
    return {"rows": [row for model in MODELS for row in read_results(f"closeness_rivals_{model}")["rows"]]}


PAGE = Page("closeness_rivals", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """Measures what is asked for, and writes down rows and table."""
    carry_on(PAGE, __doc__, arguments, measure_model)


def measure_model(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not whole yet, or are of other weights."""
    known = read_results(f"closeness_rivals_{stage.name}")
    same = not fresh and known.get("weights") == stage.weights
    rows, begun = (known["rows"], known["begun"]) if same else ([], {})
    done = {(row["steps"], row["sampler"], row["cfg"]) for row in rows}

    def keep() -> None:
        found = {"weights": stage.weights, "shots": list(SHOTS[:PICTURES]), "rows": rows, "begun": begun}
        write_results("closeness", ["rivals", *arguments], found, part=f"rivals_{stage.name}")

    for steps, sampler, cfg in tqdm(COURSES, desc=stage.name, unit="row"):
        if (steps, sampler, cfg) not in done:
            key = {"model": stage.name, "steps": steps, "sampler": sampler, "cfg": cfg}
            begun = begun if begun.items() >= key.items() else key
            Rivals(stage, course_of(steps, sampler, cfg), begun, keep).measure()
            rows.append(begun)
            begun = {}
            keep()
