"""Every method at about 12, 10, 8 and 7 calls of 50 steps on the demo model, against the same seed's full run.

`python3 bench/run.py methods` carries on where it was stopped; `--fresh` starts from nothing. Dials are turned on one
picture, scores are of others. Results go to bench/results/methods.json; table and plot in bench/methods/README.md are
made of them. `methods few` measures 20 and 28 steps on three models, see few.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from figures.page import Page, read_results
from figures.places import RESULTS
from figures.results_file import write_results
from methods import few
from methods.plot import pareto
from methods.rows import CourseRows
from methods.table import markdown
from models.stage import Course, open_stage

# Each picture is its own batch, so that seconds compare.
COURSE = Course(alone=True)
SHOTS = range(8)
BUDGETS = (10, 8, 12, 7)
SOLVERS = ("euler", "dpmpp_2m", "deis", "ipndm")
PAGE = Page("methods", markdown, pareto)


def run(arguments: Sequence[str]) -> dict:
    """The whole comparison, and the table. In another folder the README stays as it is. few ...: the second part."""
    if arguments and arguments[0] == "few":
        few.run(arguments[1:])
        return few.PAGE.kept()
    parser = PAGE.parser(__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget earlier rows of what is measured")
    parser.add_argument("--threads", type=int, default=1, help="seconds are those of all of them together")
    parser.add_argument("--methods", nargs="+", default=[""], help="only these, by their beginning")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="calls, of 50 steps")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    stage, begins = open_stage("demo"), tuple(options.methods)
    earlier = read_results("methods", options.results)
    same = (earlier.get("weights"), earlier.get("shots")) == (stage.weights, list(SHOTS))
    rows = [row for row in earlier["rows"] if same and not (
            options.fresh and row["budget"] in (0, *options.budgets) and row["name"].startswith(begins))]
    commands = list(dict.fromkeys([*earlier.get("earlier", []), earlier["command"]])) if rows else []
    found = {"weights": stage.weights, "shots": tuple(SHOTS), "earlier": commands, "rows": rows}

    def keep() -> None:
        write_results("methods", arguments, found, options.results)

    CourseRows(stage, COURSE, rows, keep, options.budgets, SOLVERS, SHOTS, begins).measure()
    PAGE.show(found, options.results)
    print(markdown(found))
    return found
