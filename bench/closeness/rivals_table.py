"""The default quality against other ways to make as many model calls, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import mean

from tap_pack.tap_core.closeness import MOST

from closeness.courses import DEFAULT, named
from figures.table import table

FIXED, OWN, EASYCACHE = "fixed", "EasyCache, its own threshold", "EasyCache"
SPECTRUM, TAP, PLAIN, SOLVER = "Spectrum", "the paper's TAP", "plain steps", "best solver"
# Rows of another name are solvers.
METHODS = (FIXED, OWN, EASYCACHE, SPECTRUM, TAP, PLAIN)
# A rival may make so many calls more and still be compared.
MORE = 1.0
# Closer to those of the default, calls are not named.
NEAR = 0.6


def markdown(found: dict) -> str:
    """How often the default is closest, and a line a course and model."""
    rows = found["rows"]
    lines = table(("", DEFAULT, *METHODS, SOLVER), (
        (named(row), own_cell(row), *(cell(row, name) for name in METHODS), solver_cell(row))
        for row in compared(rows)))
    return "\n".join([in_short(rows), "", *lines, "", unspent(rows)])


def compared(rows: Sequence[dict]) -> list[dict]:
    """The rows in which the default skips steps."""
    return [row for row in rows if len(row["scores"]) > 1]


def unspent(rows: Sequence[dict]) -> str:
    """Those in which it computes every step, in words."""
    whole = [named(row) for row in rows if len(row["scores"]) == 1]
    return f"Every step is computed, so there is nothing to compare, in: {'; '.join(whole)}." if whole else ""


def in_short(rows: Sequence[dict]) -> str:
    """In how many cells the default is closest, and how often each rival is closer."""
    cells = compared(rows)
    counts = Counter(name for row in cells for name in closer(row))
    named_counts = ", ".join(f"{name} in {count}" for name, count in counts.most_common())
    return (f"*{DEFAULT}* is the closest in {sum(not closer(row) for row in cells)} of {len(cells)} cells, and in "
            f"{sum(not others_closer(row) for row in cells)} closer than everything that is not this pack's own, which "
            f"*{FIXED}* is. Closer, with as many calls: {named_counts or 'none'}.")


def closer(row: dict) -> list[str]:
    """The rivals with as many calls, or fewer, that are closer in the mean; all solvers as one."""
    ours = mean_psnr(row["scores"][DEFAULT])
    found = {name: row["scores"][name] for name in METHODS} | {SOLVER: best_solver(row)[1]}
    return [name for name, score in found.items() if compares(row, score) and mean_psnr(score) > ours]


def others_closer(row: dict) -> list[str]:
    """Those of them that are not this pack's own."""
    return [name for name in closer(row) if name != FIXED]


def compares(row: dict, score: dict) -> bool:
    """Whether a rival makes as many calls as the default, or fewer."""
    return mean(score["calls"]) <= mean(row["scores"][DEFAULT]["calls"]) + MORE


def best_solver(row: dict) -> tuple[str, dict]:
    """The solver with the highest mean; of several evaluations a step, calls are in steps all the same."""
    solvers = {name: score for name, score in row["scores"].items() if name not in (DEFAULT, *METHODS)}
    return max(solvers.items(), key=lambda pair: mean_psnr(pair[1]))


def own_cell(row: dict) -> str:
    """Mean calls: mean (worst)."""
    score = row["scores"][DEFAULT]
    return f"{mean(score['calls']):.1f}: {shown(score)}"


def cell(row: dict, name: str) -> str:
    """Mean (worst), in bold where it is closer than the default; in brackets calls, where they are not as many."""
    score = row["scores"][name]
    calls = mean(score["calls"])
    text = f"**{shown(score)}**" if name in closer(row) else shown(score)
    return text if abs(calls - mean(row["scores"][DEFAULT]["calls"])) <= NEAR else f"{text} [{calls:.1f}]"


def solver_cell(row: dict) -> str:
    """The same with the solver's name."""
    name, score = best_solver(row)
    text = f"{shown(score)} {name}"
    return f"**{text}**" if SOLVER in closer(row) else text


def shown(score: dict) -> str:
    """Mean (worst)."""
    return f"{mean_psnr(score):.1f} ({min(score['psnr']):.1f})"


def mean_psnr(score: dict) -> float:
    """Of its pictures; one with every step computed, which is equal to the full picture, counts as the closest told."""
    return mean(min(psnr, MOST) for psnr in score["psnr"])
