"""The rows of one model on one course: every method turned to each count of calls, and solvers with as many steps.

Dials are turned and schedulers chosen on one picture, scores are of others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from statistics import mean

from tap_pack.nodes.fit_tables import MAGCACHE, TEACACHE, fitted
from tap_pack.tap_core.errors import TapError

from figures.metrics import latent_psnr, ssim
from methods.contenders import Contender, adaptive_contenders, fixed_contenders, our_contenders
from methods.dials import DialTurner, known_count
from methods.few_table import DEFAULTS, FLOOR, OWN
from methods.newest import OtherPictures, fitted_contenders, token_wise_contender
from methods.own_settings import OwnSettings, own_settings
from models.model_rows import closeness
from models.stage import SCHEDULERS, Course, Stage, Take

# None of these is scored: dials are turned and schedulers chosen on the first, TeaCache and MagCache read the second.
DIAL_SHOT, TRACE_SHOT = 900, 903
TURNS = 6
# Equal pictures have an infinite PSNR, which JSON does not know.
EQUAL = 99.0


class CourseRows:
    """Of one model and course. rows: found so far; keep: writes them down; budgets: counts of calls.

    shots: the pictures that are scored; begins: how the names of what is measured begin.
    """

    def __init__(self, stage: Stage, course: Course, rows: list[dict], keep: Callable[[], None],
                 budgets: Sequence[int], solvers: Sequence[str], shots: Sequence[int],
                 begins: tuple[str, ...] = ("",)) -> None:
        self.stage, self.course, self.rows, self._keep = stage, course, rows, keep
        self._budgets, self._solvers, self._shots, self._begins = budgets, solvers, shots, begins
        self._undecoded = undecoded(stage)
        self._turner = DialTurner(lambda settings, _: self._count(settings), 1, TURNS)
        self._others = OtherPictures(stage, course)

    def measure(self) -> None:
        """Another seed, then every method and solver at each count."""
        self._row(FLOOR, 0, lambda: (self._sampled(seeds=[shot + 500 for shot in self._shots]), {}))
        # Count by count, so that what is stopped early compares all methods at some of them.
        for budget in self._budgets:
            for contender in self._contenders.values():
                if contender.name.startswith(self._begins):
                    self._turned(contender, budget)
            for sampler in self._solvers:
                name = f"{sampler}, fewer steps"
                if name.startswith(self._begins):
                    self._row(name, budget, lambda s=sampler, b=budget: self._fewer(s, b))

    def measure_own(self) -> None:
        """The papers' own settings."""
        for own in own_settings(self.stage.name):
            self._own(own)

    @cached_property
    def _contenders(self) -> dict[str, Contender]:
        trace = self.stage.trace(TRACE_SHOT, self.course, "residual")
        measured = (fitted(trace, method, 0.4)[1] for method in (TEACACHE, MAGCACHE))
        watching = map(self._within_run, (*adaptive_contenders(*measured), token_wise_contender()))
        every = (*our_contenders(), *fixed_contenders(), *watching, *fitted_contenders())
        return {contender.name: contender for contender in every}

    def _within_run(self, contender: Contender) -> Contender:
        """Without windows longer than half the run, as a run is sampled for each that is tried."""
        dials = [replace(dial, values=[v for v in dial.values if v <= self.course.steps // 2] or dial.values)
                 for dial in contender.dials]
        return replace(contender, dials=dials)

    @cached_property
    def _fulls(self) -> list[Take]:
        return self._sampled()

    @cached_property
    def _dial_full(self) -> Take:
        return self._undecoded.take(DIAL_SHOT, self.course)

    def _turned(self, contender: Contender, budget: int) -> None:
        """A row of a method with its dial turned to so many calls."""
        def found() -> tuple[list[Take], dict]:
            dial, value = self._turner.turn(contender, budget)
            settings, course = contender.settings(value, dial), self.course
            if contender.fit is not None:
                settings, course = contender.fit(self._others, settings)
            return self._sampled(settings, course=course), {"dial": value, "says": contender.dials[dial].says}
        self._row(contender.name, budget, found)

    def _own(self, own: OwnSettings) -> None:
        """A row of a paper's own settings; then the same method turned to as many calls, and the defaults."""
        row = self._row(own.name, OWN, lambda: (self._sampled(own.settings()), {"turned": own.turned}))
        calls = round(row.get("calls", self.course.steps))
        if calls < self.course.steps:
            for name in (own.turned, DEFAULTS):
                self._turned(self._contenders[name], calls)

    def _fewer(self, sampler: str, budget: int) -> tuple[list[Take], dict]:
        """So many steps of a sampler, on the scheduler that suits it best."""
        best = on_best_scheduler(self._undecoded, replace(self.course, sampler=sampler, steps=budget), self._dial_full)
        return self.stage.takes(self._shots, best), {"scheduler": best.scheduler}

    def _row(self, name: str, budget: int, find: Callable[[], tuple[list[Take], dict]]) -> dict:
        """The row of a name and count; found now if it is not there. What a method fails with is its row."""
        key = {"steps": self.course.steps, "cfg": self.course.cfg, "name": name, "budget": budget}
        known = next((row for row in self.rows if row.items() >= key.items()), None)
        if known is not None:
            return known
        try:
            takes, more = find()
            row = {**key, **self._scores(takes), **more}
        except (TapError, RuntimeError, ValueError) as error:
            row = {**key, "error": f"{type(error).__name__}: {error}"}
        self.rows.append(row)
        self._keep()
        print(self.stage.name, *(f"{each:.2f}" if isinstance(each, float) else each for each in row.values()),
              flush=True)
        return row

    def _scores(self, takes: list[Take]) -> dict[str, float]:
        found = closeness(takes, self._fulls)
        pairs = zip(takes, self._fulls, strict=True)
        return {"calls": mean(take.calls for take in takes), **in_part(takes), **memory(takes),
                "psnr": min(found["psnr"], EQUAL),
                "psnr_worst": min(found["worst"], EQUAL),
                "ssim": mean(ssim(take.frames, full.frames) for take, full in pairs),
                "latent_psnr": min(found["latent_psnr"], EQUAL), "seconds": mean(take.seconds for take in takes)}

    def _sampled(self, settings: object = None, seeds: Sequence[int] | None = None, course: Course | None = None
                 ) -> list[Take]:
        """The pictures that are scored; one batch, unless the full steps depend on the picture."""
        course = course or self.course
        if settings is None or self._known(settings) is not None:
            return self.stage.takes(self._shots, course, settings, seeds)
        return [self.stage.take(shot, course, settings) for shot in self._shots]

    def _known(self, settings: object) -> int | None:
        return known_count(settings, self.stage.sigmas(self.course))

    def _count(self, settings: object) -> float:
        """How many steps are computed for the picture by which dials are turned."""
        known = self._known(settings)
        return self._undecoded.take(DIAL_SHOT, self.course, settings).calls if known is None else known


def in_part(takes: Sequence[Take]) -> dict[str, float]:
    """How many steps were computed in part, in the mean; nothing where none was."""
    steps = mean(len(take.record.part_steps) if take.record else 0 for take in takes)
    return {"part_steps": steps} if steps else {}


def memory(takes: Sequence[Take]) -> dict[str, int]:
    """Bytes of the caches at most, for one picture where each is its own batch."""
    return {"cache_bytes": max(take.record.cache_bytes for take in takes)} if takes[0].record else {}


def undecoded(stage: Stage) -> Stage:
    """The stage for what is only counted or compared by its latents: decoding takes as long as 7 steps of *demo*."""
    found = copy(stage)
    found.decode = lambda latents: latents
    return found


def on_best_scheduler(stage: Stage, course: Course, full: Take) -> Course:
    """The course on the scheduler whose latents are closest to those of a full run of DIAL_SHOT."""
    every = [replace(course, scheduler=each) for each in SCHEDULERS]
    # ddim_uniform makes a step more for some counts.
    exact = [each for each in every if len(stage.sigmas(each)) == course.steps + 1]
    return max(exact, key=lambda each: latent_psnr(stage.take(DIAL_SHOT, each).latents, full.latents))
