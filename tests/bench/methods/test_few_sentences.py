"""The figures in what is said of 20 and 28 steps are those of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from methods import few, few_table
from methods.few_table import DEFAULTS, FLOOR, OWN

ROOT = Path(__file__).resolve().parents[3]
METHODS, BENCH, README = "bench/methods/README.md", "bench/README.md", "README.md"
EVEN = "TAP, even, output, drift repaid"
IN_PART, SADA, L2P, SECOND = "SADA, token-wise", "SADA, from step 3 on", "L2P, closed loop", "TaylorSeer, order 2"
WEIGHTS, MOVED, SKIPPED = (f"{DEFAULTS}, {what}" for what in ("L2P's weights", "sigmas moved", "skipped sigmas moved"))
SOLVERS = ("euler, fewer steps", "dpmpp_2m, fewer steps")


@lru_cache
def rows(model: str) -> list[dict]:
    """The rows of a model."""
    return few.kept(model)["rows"]


def column(model: str, steps: int, calls: int, cfg: float) -> dict[str, float]:
    """PSNR by name, of what compares there."""
    found = few_table.found_at(rows(model), (steps, calls, cfg))
    return {name: row["psnr"] for name, row in found.items()}


def at(model: str, steps: int, calls: int, cfg: float, name: str) -> str:
    """PSNR of a method."""
    return f"{column(model, steps, calls, cfg)[name]:.1f}"


def margin(calls: int, others: Callable[[str], bool], name: str = DEFAULTS, steps: int = 20, cfg: float = 1.0) -> str:
    """How far above the best of others with so many calls: least and most of all models."""
    gaps = []
    for model in few.MODELS:
        found = column(model, steps, calls, cfg)
        gaps.append(found[name] - max(score for other, score in found.items() if others(other)))
    return f"{min(gaps):.1f} to {max(gaps):.1f}"


def below_floor(model: str, steps: int, calls: int) -> str:
    """How many rows are less close than another seed at CFG 4, and of how many."""
    (floor,) = [row["psnr"] for row in rows(model) if (row["name"], row["steps"], row["cfg"]) == (FLOOR, steps, 4.0)]
    found = column(model, steps, calls, 4.0)
    return f"{sum(score < floor for score in found.values())} of the {len(found)}"


def lost() -> float:
    """By how much another method or solver is closer than the defaults at CFG 4, at most."""
    others = {model: [column(model, *place[:2], 4.0) for place in few_table.columns(rows(model)) if place[2] == 4.0]
              for model in few.MODELS}
    return max(score - found[DEFAULTS] for columns in others.values() for found in columns
               for name, score in found.items() if few_table.is_published(name) or name in SOLVERS)


def ahead(cfg: float) -> list[float]:
    """By how much the defaults are above the best published method, in each cell."""
    return [found[DEFAULTS] - max(score for other, score in found.items() if few_table.is_published(other))
            for found in cells(cfg)]


def cells(cfg: float) -> list[dict[str, float]]:
    """What compares, at each count of calls on each model."""
    return [column(model, *place[:2], cfg) for model in few.MODELS for place in few_table.columns(rows(model))
            if place[2] == cfg]


def in_front(cfg: float) -> str:
    """In how many cells the defaults are above all published methods and solvers, and of how many."""
    won = [all(score <= found[DEFAULTS] for name, score in found.items()
               if few_table.is_published(name) or name in SOLVERS) for found in cells(cfg)]
    return f"{sum(won)} of {len(won)}"


def behind(cfg: float) -> str:
    """In how many cells a published method or solver is above the defaults, and of how many."""
    won, of = map(int, in_front(cfg).split(" of "))
    return f"{of - won} of {of}"


def own_above(name: str) -> str:
    """In how many cells a paper's own settings are closer than the method as "turned", or than the defaults."""
    above, cells = 0, 0
    for found in few.all_kept()["models"].values():
        for row in (row for row in found if row["budget"] == OWN and row["calls"] < row["steps"]):
            other = few_table.beside(row, row["turned"] if name == "turned" else name, found)
            if other and other["calls"] <= row["calls"] + 0.5:
                above, cells = above + (row["psnr"] > other["psnr"]), cells + 1
    return f"{above} of {cells}"


def in_part(cfg: float) -> list[float]:
    """How far SADA at its own settings, token-wise, is above whole at a guidance, in each cell."""
    found = {(model, row["steps"], row["name"]): row["psnr"] for model in few.MODELS for row in rows(model)
             if (row["budget"], row["cfg"]) == (OWN, cfg)}
    return [found[model, steps, "SADA, token-wise, its shares of the run"] - psnr
            for (model, steps, name), psnr in found.items() if name == "SADA, its shares of the run"]


def step_wise() -> str:
    """How far SADA as its paper has it is below its code for FLUX, and how many calls it makes less: least and most."""
    own = [{(row["steps"], row["cfg"], row["name"]): row for row in rows(model) if row["budget"] == OWN}
           for model in few.MODELS]
    pairs = [(found[steps, cfg, "SADA, its shares of the run"], row) for found in own
             for (steps, cfg, name), row in found.items() if name == "SADA, step-wise, its shares of the run"]
    spans = [sorted(code[score] - paper[score] for code, paper in pairs) for score in ("psnr", "calls")]
    return "{:.1f} to {:.1f} dB farther off than as its code for FLUX has it, with {:.1f} to {:.1f} calls less".format(
        *(span[end] for span in spans for end in (0, -1)))


def spread(gaps: Sequence[float]) -> tuple[str, str]:
    """In how many cells it is above, and least and most."""
    return f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}", f"{min(gaps):.1f} to {max(gaps):.1f}"


def beside(name: str, other: str, cfg: float) -> list[float]:
    """How far a method is above another in each cell of a guidance where both compare, on all models."""
    return gaps_at(name, other, lambda place: place[2] == cfg)


def gaps_at(name: str, other: str, wanted: Callable[[few_table.Column], bool]) -> list[float]:
    """The same in columns of a kind."""
    columns = [column(model, *place) for model in few.MODELS for place in few_table.columns(rows(model))
               if wanted(place)]
    return [found[name] - found[other] for found in columns if {name, other} <= found.keys()]


def span(name: str, other: str, cfg: float) -> str:
    """Least and most of these."""
    gaps = beside(name, other, cfg)
    return f"{min(gaps):.1f} to {max(gaps):.1f}"


def closer(name: str, other: str, cfg: float) -> str:
    """In how many of these it is closer."""
    gaps = beside(name, other, cfg)
    return f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}"


def half_moved() -> str:
    """In how many cells with 14 of 28 calls all sigmas moved are closer."""
    gaps = gaps_at(MOVED, DEFAULTS, lambda place: place[:2] == (28, 14))
    return f"{sum(gap > 0 for gap in gaps)} of {len(gaps)} cells"


def is_default(name: str) -> bool:
    """Whether these are the defaults."""
    return name == DEFAULTS


SENTENCES = [
    (METHODS, lambda: f"With 7 of 20 calls the defaults are {margin(7, few_table.is_published)} dB above the best "
                      f"published method and {margin(7, SOLVERS.__contains__)} above the better solver"),
    (METHODS, lambda: f"With 10 of 20 they are {margin(10, few_table.is_published)} and "
                      f"{margin(10, SOLVERS.__contains__)} above, but full steps at equal distances, with the drift "
                      f"repaid, are another {margin(10, is_default, EVEN)} closer"),
    (METHODS, lambda: f"With 7 of 20 calls on *words*, {below_floor('words', 20, 7)} rows are less close than another "
                      f"seed, the paper's TAP ({at('words', 20, 7, 4.0, 'TAP')}) and dpmpp_2m "
                      f"({at('words', 20, 7, 4.0, 'dpmpp_2m, fewer steps')}) among them"),
    (METHODS, lambda: f"TeaCache ({at('words', 20, 7, 4.0, 'TeaCache')}), MagCache "
                      f"({at('words', 20, 7, 4.0, 'MagCache')}) and FORA ({at('words', 20, 7, 4.0, 'FORA')}) come "
                      f"close to the defaults ({at('words', 20, 7, 4.0, DEFAULTS)})"),
    (METHODS, lambda: f"With 8 of 28 calls the defaults are {margin(8, few_table.is_published, steps=28, cfg=4.0)} dB "
                      f"above the best published method"),
    (METHODS, lambda: f"and with 10 ({at('demo', 20, 10, 4.0, 'euler, fewer steps')}; "
                      f"{at('demo', 20, 10, 4.0, DEFAULTS)})"),
    (METHODS, lambda: f"DiCache with 10 of 20 on *words* ({at('words', 20, 10, 4.0, 'DiCache')}; the defaults "
                      f"{at('words', 20, 10, 4.0, DEFAULTS)})"),
    (METHODS, lambda: f"growing windows with 10 of 20 on *demo* "
                      f"({at('demo', 20, 10, 4.0, 'TAP, growing windows, output, drift repaid')}; "
                      f"{at('demo', 20, 10, 4.0, DEFAULTS)})"),
    (METHODS, lambda: f"CG-Taylor with 14 of 28 on *demo* ({at('demo', 28, 14, 4.0, 'CG-Taylor')}; "
                      f"{at('demo', 28, 14, 4.0, DEFAULTS)})"),
    (METHODS, lambda: f"plain Euler with 7 of 20 on *demo* ({at('demo', 20, 7, 4.0, 'euler, fewer steps')}; "
                      f"{at('demo', 20, 7, 4.0, DEFAULTS)})"),
    (README, lambda: f"every published method and solver, by {margin(10, few_table.is_published).split()[0]} to "
                     f"{margin(7, few_table.is_published).split()[-1]} dB"),
    (README, lambda: f"by up to {lost():.1f} dB ([methods]"),
    (BENCH, lambda: f"with 7 calls at CFG 1 the defaults are {margin(7, few_table.is_published)} dB above the best"),
    (METHODS, lambda: f"in {own_above('turned')} cells closer than the same method turned to as many calls, and in "
                      f"{own_above(DEFAULTS)} closer than the defaults"),
    (METHODS, lambda: f"In {int(own_above(DEFAULTS).split()[-1]) - int(own_above('turned').split()[-1])} further cells "
                      f"the turned method has over half a call more"),
    (METHODS, lambda: f"closer than every published method and solver in {in_front(1.0)} cells, by "
                      f"{min(ahead(1.0)):.1f} to {max(ahead(1.0)):.1f} dB."),
    (METHODS, lambda: f"a published method or plain Euler is ahead in {behind(4.0)} cells, by up to {lost():.1f} dB."),
    (METHODS, lambda: "With 8 and 14 of 28 they are {:.1f} to {:.1f} dB above the best".format(*(
        end([float(margin(calls, few_table.is_published, steps=28).split()[place]) for calls in (8, 14)])
        for end, place in ((min, 0), (max, -1))))),
    (METHODS, lambda: f"At 7 of 20 and CFG 1 it gives {at('demo', 20, 7, 1.0, 'Spectrum')} on *demo*, where the "
                      f"defaults give {at('demo', 20, 7, 1.0, DEFAULTS)}, and at CFG 4 "
                      f"{at('demo', 20, 7, 4.0, 'Spectrum')}"),
    (METHODS, lambda: "is in {} cells closer than whole at CFG 1 ({} dB), and in {} at CFG 4 ({})".format(
        *spread(in_part(1.0)), *spread(in_part(4.0)))),
    (METHODS, step_wise),
    (METHODS, lambda: f"in {closer(IN_PART, SADA, 1.0)} cells closer than SADA whole at CFG 1 "
                      f"({span(IN_PART, SADA, 1.0)} dB), and in {closer(IN_PART, SADA, 4.0)} at CFG 4 "
                      f"({span(IN_PART, SADA, 4.0)})"),
    (METHODS, lambda: f"{span(L2P, SECOND, 1.0)} dB above TaylorSeer order 2 with the same full steps at CFG 1, "
                      f"and {span(L2P, SECOND, 4.0)} at CFG 4"),
    (METHODS, lambda: f"In the defaults' places they are closer than TAP's own predictors in "
                      f"{closer(WEIGHTS, DEFAULTS, 1.0)} cells at CFG 1 ({span(WEIGHTS, DEFAULTS, 1.0)} dB) and in "
                      f"{closer(WEIGHTS, DEFAULTS, 4.0)} at CFG 4 ({span(WEIGHTS, DEFAULTS, 4.0)})"),
    (METHODS, lambda: f"with all sigmas moved in {closer(MOVED, DEFAULTS, 1.0)} cells at CFG 1 "
                      f"({span(MOVED, DEFAULTS, 1.0)} dB) and in {closer(MOVED, DEFAULTS, 4.0)} at CFG 4 "
                      f"({span(MOVED, DEFAULTS, 4.0)})"),
    (METHODS, lambda: f"with those of the skipped steps in {closer(SKIPPED, DEFAULTS, 1.0)} "
                      f"({span(SKIPPED, DEFAULTS, 1.0)}) and {closer(SKIPPED, DEFAULTS, 4.0)} "
                      f"({span(SKIPPED, DEFAULTS, 4.0)})"),
    (METHODS, lambda: f"With 14 of 28 calls all moved are closer in {half_moved()}."),
]


@pytest.mark.parametrize(("file", "words"), SENTENCES)
def test_figures_in_a_text_are_those_of_the_results(file: str, words: object) -> None:
    text = " ".join((ROOT / file).read_text(encoding="utf-8").split())
    assert words() in text
