"""Is the rule broken in the same cells with other pictures? All cells of the study, with eight pictures more.

`python3 bench/run.py samplers again`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/samplers_again_MODEL.json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from figures.page import Page
from figures.table import table
from models.kept_rows import all_rows
from models.model_rows import carry_on
from models.stage import Stage
from samplers.cell_rows import MEAN_RULE, WORST_RULE, below, key, measure_model

SHOTS = (range(208, 212), range(212, 216))


def kept() -> dict:
    """The rows with these pictures, and those of the study itself, of cells that have both."""
    first, other = ({key(row): row for row in all_rows("samplers", part)["rows"]} for part in ("", "again"))
    both = [each for each in first if each in other]
    return {"first": [first[each] for each in both], "rows": [other[each] for each in both]}


def together(first: dict, again: dict) -> dict:
    """A row of both sets of pictures, which are as many."""
    return {**again, **{name: {"psnr": (first[name]["psnr"] + again[name]["psnr"]) / 2,
                               "worst": min(first[name]["worst"], again[name]["worst"])} for name in ("off", "on")}}


def mean_below(rows: Sequence[dict]) -> list[dict]:
    """Rows in which repaying costs more of the mean than the rule allows."""
    return [row for row in rows if row["on"]["psnr"] < row["off"]["psnr"] - MEAN_RULE]


def markdown(found: dict) -> str:
    """How many cells break the rule with either pictures and with both, by model; and the cells that do with both."""
    pairs = list(zip(found["first"], found["rows"], strict=True))
    sums = [together(*pair) for pair in pairs]
    models = list(dict.fromkeys(row["model"] for row in sums))
    lines = table((f"cells that lose over {MEAN_RULE:g} dB of the mean or {WORST_RULE:g} dB of the worst", *models), (
        (label, *(counted(below, rows, model) for model in models)) for label, rows in (
            ("the study's 8 pictures", found["first"]), ("8 others", found["rows"]),
            ("one set and the other", twice(pairs, below)), ("all 16 as one set", sums))))
    lines += ["", *table((f"cells that lose over {MEAN_RULE:g} dB of the mean", *models), (
        (label, *(counted(mean_below, rows, model) for model in models)) for label, rows in (
            ("the study's 8 pictures", found["first"]), ("8 others", found["rows"]),
            ("one set and the other", twice(pairs, mean_below)), ("all 16 as one set", sums))))]
    return "\n".join([*lines, "", "The cells that break the rule with all 16, not repaid / repaid, mean (worst):", "",
                      *table(("model, sampler, CFG, calls", "dB"), map(named, below(sums)))])


def twice(pairs: Sequence[tuple[dict, dict]], lost: Callable[[Sequence[dict]], list[dict]]) -> list[dict]:
    """Rows of cells that are lost with both sets of pictures."""
    return [again for first, again in pairs if lost([first]) and lost([again])]


def counted(lost: Callable[[Sequence[dict]], list[dict]], rows: Sequence[dict], model: str) -> str:
    """How many of a model's rows are lost."""
    return str(len(lost([row for row in rows if row["model"] == model])))


def named(row: dict) -> tuple[str, str]:
    """A cell by its name, and its figures."""
    off, on = (f"{row[name]['psnr']:.1f} ({row[name]['worst']:.1f})" for name in ("off", "on"))
    return (f"{row['model']}, {row['sampler']}, CFG {row['cfg']:g}, {row['calls']} of {row['steps']}", f"{off} / {on}")


PAGE = Page("samplers_again", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    carry_on(PAGE, __doc__, arguments, measure)


def measure(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not kept yet, or are of other weights."""
    measure_model(stage, arguments, SHOTS, fresh, part="again")
