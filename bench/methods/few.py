"""Every method at 7 and 10 of 20 steps and at 8 and 14 of 28, at CFG 1 and 4, on three models.

`python3 bench/run.py methods few`; it carries on where it was stopped, `--fresh` starts from nothing. Dials are turned
on one picture, scores are of others. Results go to bench/results/methods_few_MODEL.json, the tables in
bench/methods/README.md are made of them. A model that is not there yet is trained first, half an hour each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from figures.page import Page, read_results
from figures.results_file import write_results
from methods.few_table import tables
from methods.rows import CourseRows
from models.stage import MODELS, Course, Stage, open_stage

COUNTS = {20: (7, 10), 28: (8, 14)}
GUIDANCE = (1.0, 4.0)
SHOTS = (0, 1, 2)
SOLVERS = ("euler", "dpmpp_2m")


def courses() -> Iterator[Course]:
    """20 steps and 28, each at both guidances."""
    yield from (Course(steps=steps, cfg=cfg) for steps in COUNTS for cfg in GUIDANCE)


def kept(model: str) -> dict:
    """The figures of one model."""
    return read_results(f"methods_few_{model}")


def all_kept() -> dict:
    """The rows of each model that was measured."""
    return {"models": {model: rows for model in MODELS if (rows := kept(model)["rows"])}}


PAGE = Page("methods_few", lambda found: tables(found["models"]), read=all_kept)


def measure(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """All rows of one model; those of other weights are not carried on."""
    earlier = kept(stage.name)
    rows = [] if fresh or earlier.get("weights") != stage.weights else earlier["rows"]

    def keep() -> None:
        found = {"weights": stage.weights, "shots": SHOTS, "rows": rows}
        write_results("methods", ["few", *arguments], found, part=f"few_{stage.name}")

    for course in courses():
        found = CourseRows(stage, course, rows, keep, COUNTS[course.steps], SOLVERS, SHOTS)
        found.measure()
        found.measure_own()


def run(arguments: Sequence[str]) -> None:
    """Measures what is asked for, and writes down rows and tables."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--model", choices=("all", *MODELS), default="all")
    parser.add_argument("--fresh", action="store_true", help="forget earlier rows of what is measured")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    for name in MODELS if options.model == "all" else (options.model,):
        measure(open_stage(name), arguments, options.fresh)
    PAGE.show(PAGE.kept())
