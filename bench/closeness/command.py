"""Is a run as close as it says, and as close as it was asked to be, with as few calls as that takes?

`python3 bench/run.py closeness`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/closeness_MODEL.json. `closeness rivals` compares the default quality with other methods, see rivals.py;
`closeness telling` has what runs tell of themselves at many more settings, see telling.py; `closeness compared` has how
often wishes are met once a few pictures were compared, see compared.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean

import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tqdm import tqdm

from closeness import compared, rivals, telling
from closeness.courses import COURSES, SHOTS, WISHES, course_of
from closeness.pictures import draw_pairs
from closeness.tables import markdown
from figures.metrics import psnr
from figures.page import Page, read_results
from figures.results_file import write_results
from methods.dials import known_count
from models.model_rows import closeness, parser_of_models
from models.paper_settings import PAPER_SETTINGS
from models.stage import EQUAL, MODELS, Course, Stage, Take, open_stage

INTERVALS = (2, 3, 5, 10)


class Row:
    """A row of one course: qualities, numbers of full steps, the paper's TAP and plain steps, against full pictures.

    found: what is there of it already; keep: writes it down.
    """

    def __init__(self, stage: Stage, course: Course, shots: Sequence[int], found: dict, keep: Callable[[], None]
                 ) -> None:
        self._stage, self._course, self._shots, self._keep = stage, course, shots, keep
        self._fulls = stage.takes(shots, course)
        self.found = found
        for part in ("qualities", "fixed", "plain"):
            found.setdefault(part, {})

    def measure(self) -> None:
        """What is not there yet."""
        # Each picture by itself: a batch is computed as often as its worst picture takes.
        alone = replace(self._course, alone=True)
        qualities, fixed, plain = self.found["qualities"], self.found["fixed"], self.found["plain"]
        for name in sorted(WISHES, key=WISHES.get):
            whole = next((score for score in qualities.values() if min(score["calls"]) == self._course.steps), None)
            # Where a lower wish computes every step, so does a higher one.
            self._part(qualities, name, lambda name=name, whole=whole: dict(whole) if whole else self._scored(
                TapSettings(quality=name), alone))
        counts = sorted({round(mean(score["calls"])) for score in qualities.values()})
        for count, settings in self._fixed(counts).items():
            self._part(fixed, str(count), lambda settings=settings: self._scored(settings))
        self._part(self.found, "paper", lambda: self._scored(TapSettings(**PAPER_SETTINGS)))
        for count in counts:
            self._part(plain, str(count), lambda count=count: self._plain(count))

    def _fixed(self, counts: Sequence[int]) -> dict[int, TapSettings]:
        """By number of full steps: one step in N, and as many as the qualities took in the mean."""
        # Two models have half of the steps each, and as many full ones each.
        parts = 1 + self._course.two_models
        sigmas = self._fulls[0].sigmas[: self._course.steps // parts + 1]
        by_interval = (TapSettings(interval=interval, warmup_steps=1) for interval in INTERVALS)
        found = {parts * known_count(settings, sigmas): settings for settings in by_interval}
        wanted = {parts * round(count / parts) for count in counts} - found.keys()
        more = {count: rivals.fixed_settings(count // parts, sigmas) for count in sorted(wanted)
                if count < self._course.steps}
        return {**found, **more}

    def _part(self, parts: dict, name: str, find: Callable[[], dict]) -> None:
        if name not in parts:
            parts[name] = find()
            self._keep()

    def _scored(self, settings: TapSettings, course: Course | None = None) -> dict:
        return scored(self._stage.takes(self._shots, course or self._course, settings), self._fulls)

    def _plain(self, count: int) -> dict:
        found = closeness(self._stage.takes(self._shots, replace(self._course, steps=count)), self._fulls)
        return {name: min(score, EQUAL) for name, score in found.items()}


def scored(takes: Sequence[Take], fulls: Sequence[Take]) -> dict:
    """By picture: calls, PSNR and what the run said; None where it said nothing. A batch says one for all."""
    scores = [psnr(take.frames, full.frames) for take, full in zip(takes, fulls, strict=True)]
    told = [take.record.closeness and take.record.closeness.decibels for take in takes]
    return {"calls": [take.calls for take in takes], "psnr": [min(score, EQUAL) for score in scores], "told": told,
            "batch": len({id(take.record) for take in takes}) == 1}


def kept() -> dict:
    """The rows of all models found so far."""
    return {"rows": [row for model in MODELS for row in read_results(f"closeness_{model}")["rows"]]}


PAGE = Page("closeness", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """The command. compared ..., rivals ..., telling ...: the other parts."""
    parts = {"compared": compared, "rivals": rivals, "telling": telling}
    if arguments and arguments[0] in parts:
        parts[arguments[0]].run(arguments[1:])
        return
    parser = parser_of_models(PAGE, __doc__)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--pictures", action="store_true", help="draw the pairs of the help page instead")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.pictures:
        draw_pairs(open_stage("demo"))
        return
    for model in options.model or MODELS:
        measure_model(open_stage(model), arguments, options.fresh)
    PAGE.show(PAGE.kept())


def measure_model(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not whole yet, or are of other weights."""
    known = read_results(f"closeness_{stage.name}")
    same = not fresh and known.get("weights") == stage.weights
    rows, begun = (known["rows"], known.get("begun", {})) if same else ([], {})
    done = {(row["steps"], row["sampler"], row["cfg"]) for row in rows}

    def keep() -> None:
        found = {"weights": stage.weights, "rows": rows, "begun": begun}
        write_results("closeness", arguments, found, part=stage.name)

    for steps, sampler, cfg in tqdm(COURSES, desc=stage.name, unit="row"):
        if (steps, sampler, cfg) not in done:
            key = {"model": stage.name, "steps": steps, "sampler": sampler, "cfg": cfg}
            if not begun.items() >= key.items():
                begun = key
            Row(stage, course_of(steps, sampler, cfg), SHOTS, begun, keep).measure()
            rows.append(begun)
            begun = {}
            keep()
