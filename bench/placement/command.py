"""The best picture for a given number of model calls: every method, ComfyUI's caches and better solvers on 3 models.

`python3 bench/run.py placement`; it carries on where it was stopped, `--fresh` starts from nothing. Dials are turned on
two pictures, scores are of others. Results go to bench/results/placement_MODEL.json, tables and plot in
bench/placement/README.md are made from them. The models that are not there yet are trained first, which takes half an
hour each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from tap_pack.nodes.fit_tables import MAGCACHE, TEACACHE, fitted
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tqdm import tqdm

from figures.page import Page, read_results
from figures.results_file import write_results
from methods.contenders import Contender, Dial, adaptive_contenders, fixed_contenders, our_contenders
from models.stage import MODELS, Course, Stage, open_stage
from placement.bench import Bench, label
from placement.plot import plot_placement
from placement.rivals import SOLVERS, StockCache
from placement.table import tables

CACHES = (StockCache("EasyCache"), StockCache("LazyCache"))
# With noise pictures differ more from one another.
BUDGETS, SHOTS, NOISY_SHOTS = (10, 8, 12, 7), 16, 32
# What people use: fewer steps, other guidance; as many full steps as the paper's schedule at N = 5 and 8.
COURSES = {
    Course(steps=20): (6, 5), Course(steps=28): (8, 6), Course(cfg=1.0): (10,), Course(cfg=4.0): (10,),
}  # fmt: skip
TRACE_SHOTS = (903, 904)  # the pictures that calibrations read
OURS = {"target": "auto", "correction": "on", "trust": "learned", "placement": "change"}
NOISY = tuple(Course(sampler=sampler, alone=True) for sampler in ("euler_ancestral", "dpmpp_2m_sde", "lcm"))
# The methods whose rows the shorter tables have.
CHIEF = ("TAP, calibrated", "TAP Accelerate's defaults", "TAP", "Spectrum", "TaylorSeer, order 1, growing windows")


def measure(bench: Bench, contenders: list, budgets: tuple[int, ...], solvers: tuple[str, ...]) -> None:
    """A table: the methods at each budget, ComfyUI's own caches, and solvers with so many steps."""
    work = [bench.measure_floor]
    for budget in budgets:
        work += [partial(bench.measure, contender, budget) for contender in (*contenders, *CACHES)]
        work += [partial(bench.measure_solver, sampler, budget) for sampler in solvers]
    for row in tqdm(work, desc=f"{bench.stage.name}, {label(bench.course)}", unit="row", mininterval=2):
        row()


def rows_on_disk(model: str, weights: str = "") -> list[dict]:
    """The rows of one model found so far; none if they are of other weights than these."""
    kept = read_results(f"placement_{model}")
    if weights and kept["rows"] and kept["weights"] != weights:
        print(f"placement_{model}.json holds rows of other weights (a model that is trained again is another one): "
              f"all of {model} is measured again.")
        return []
    return kept["rows"]


class Kept:
    """The rows of one model, which are written down as they are found."""

    def __init__(self, stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
        self._model, self._weights, self._arguments = stage.name, stage.weights, arguments
        self.rows = [] if fresh else rows_on_disk(stage.name, stage.weights)

    def keep(self) -> None:
        """Write them down."""
        write_results("placement", self._arguments, {"weights": self._weights, "rows": self.rows}, part=self._model)


def compare(stage: Stage, kept: Kept, part: str) -> None:
    """All tables of one model, or the part of them that is asked for."""

    def table(course: Course, shots: int, budgets: tuple[int, ...], solvers: tuple[str, ...], chief: bool) -> None:
        bench = Bench(stage, course, range(shots), kept.rows, kept.keep)
        every = contenders(stage, course)
        measure(bench, [c for c in every if c.name in CHIEF] if chief else every, budgets, solvers)

    if part in ("all", "long", "chief"):
        table(Course(), SHOTS, BUDGETS, SOLVERS, part == "chief")
    if part in ("all", "courses"):
        for course, budgets in COURSES.items():
            table(course, SHOTS, budgets, SOLVERS, chief=True)
    if part in ("all", "noisy"):
        for course in NOISY:
            table(course, NOISY_SHOTS, (10,), (), chief=True)
            # EasyCache makes more calls there, with any threshold: all make as many.
            table(course, NOISY_SHOTS, (fewest_calls(kept.rows, course, "EasyCache"),), (), chief=True)


def fewest_calls(rows: list[dict], course: Course, name: str) -> int:
    """How many calls a method came down to on a course."""
    return min(round(row["calls"]) for row in rows if (row["course"], row["name"]) == (label(course), name))


def contenders(stage: Stage, course: Course) -> list:
    """All methods for one model and course."""
    found = calibrate([stage.trace(shot, course) for shot in TRACE_SHOTS], PlannedRun(PoolSettings()))
    placed = Dial(lambda calls: ListedSchedule(found.line(int(calls)).full), range(4, 26))
    measured = stage.trace(TRACE_SHOTS[0], course, "residual")
    tables = (fitted(measured, method, 0.4)[1] for method in (TEACACHE, MAGCACHE))
    return [Contender("TAP, calibrated", PoolSettings(), [placed], OURS), *our_contenders(), *fixed_contenders(),
            *adaptive_contenders(*tables)]


def all_rows() -> dict:
    """The rows of all models."""
    return {"rows": [row for name in MODELS for row in rows_on_disk(name)]}


PAGE = Page("placement", lambda found: tables(found["rows"]), plot_placement, all_rows)


def run(arguments: Sequence[str]) -> None:
    """Measures what is asked for, and writes down rows and tables."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--model", choices=("all", *MODELS), default="all")
    parser.add_argument("--part", choices=("all", "chief", "long", "courses", "noisy"), default="all")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    for name in MODELS if options.model == "all" else (options.model,):
        stage = open_stage(name)
        compare(stage, Kept(stage, arguments, options.fresh), options.part)
    PAGE.show(PAGE.kept())
