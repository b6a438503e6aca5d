"""The figures in what is said of 50 steps are those of the results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from figures.page import read_results
from methods.few_table import DEFAULTS, FLOOR, compares, is_published

ROOT = Path(__file__).resolve().parents[3]
ROWS = [row for row in read_results("methods")["rows"] if "psnr" in row]
COUNTS = (12, 10, 8, 7)
PAGE, BENCH, README, HELP = "bench/methods/README.md", "bench/README.md", "README.md", "web/docs/TapAccelerate"
TAP, GROWING, EVEN = "TAP", "TAP, growing windows", "TAP, even, output, drift repaid"
REPAID, FORMER = f"{GROWING}, output, drift repaid", "TaylorSeer, order 2"
L2P, WHOLE, IN_PART = "L2P, closed loop", "SADA, from step 3 on", "SADA, token-wise"
MOVED, SKIPPED, WEIGHTS = (f"{DEFAULTS}, {each}" for each in ("sigmas moved", "skipped sigmas moved", "L2P's weights"))


def column(budget: int, score: str = "psnr") -> dict[str, float]:
    """A score by name, of what compares there."""
    return {row["name"]: row[score] for row in ROWS
            if row["budget"] == budget and (not budget or compares(row, budget))}


def psnr(name: str, budget: int = 10) -> float:
    """Of a method at a count."""
    return column(budget)[name]


def worst(name: str, budget: int) -> float:
    """Its worst picture."""
    return column(budget, "psnr_worst")[name]


def over(name: str, other: str) -> list[float]:
    """How many dB a method is above another at each count."""
    return [psnr(name, count) - psnr(other, count) for count in COUNTS]


def margin(others: Callable[[str], bool]) -> str:
    """How far the defaults are above the best of others: least and most of all counts."""
    gaps = [found[DEFAULTS] - max(score for name, score in found.items() if others(name))
            for found in map(column, COUNTS)]
    return f"{min(gaps):.1f} to {max(gaps):.1f}"


def is_solver(name: str) -> bool:
    """Whether nothing is skipped."""
    return name.endswith("fewer steps")


def better_than_tap() -> str:
    """In how many rows of the others a method or solver is closer than the paper's TAP with 10 calls."""
    found, names = column(10), {row["name"] for row in ROWS if row["name"] != FLOOR}
    return f"{sum(score > found[TAP] for score in found.values())} of the other {len(names) - 1} methods"


SENTENCES = [
    (PAGE, lambda: "{:.1f}, {:.1f}, {:.1f} and {:.1f} dB with 12, 10, 8 and 7, which is ".format(
        *(psnr(DEFAULTS, count) for count in COUNTS)) + f"{margin(is_published)} dB above the best published method "
        f"and {margin(is_solver)} above the best solver"),
    (PAGE, lambda: "the best of them with 8 and 7 ({:.1f} and {:.1f})".format(*(
        max((each for each in column(count).items() if is_published(each[0])), key=lambda each: each[1])[1]
        for count in (8, 7)))),
    (PAGE, lambda: f"TAP's one step in six gives {psnr(TAP):.1f} dB with 10 calls, windows that grow "
                   f"{psnr(GROWING):.1f}, and with the output as target and the drift repaid {psnr(REPAID):.1f}"),
    (PAGE, lambda: "brings the defaults another {:.1f} to {:.1f} dB there".format(
        *sorted(over(MOVED, DEFAULTS))[::3])),
    (PAGE, lambda: f"with 12 and 10 calls ({worst(DEFAULTS, 12):.1f} and {worst(DEFAULTS, 10):.1f}), and below "
                   f"Spectrum's with 8 and 7 ({worst(DEFAULTS, 8):.1f} and {worst(DEFAULTS, 7):.1f}; Spectrum "
                   f"{worst('Spectrum', 8):.1f} and {worst('Spectrum', 7):.1f})"),
    (PAGE, lambda: f"with 12 calls ({psnr(REPAID, 12):.1f}), and "
                   + "{:.1f} to {:.1f} dB farther off with fewer".format(*sorted(over(DEFAULTS, REPAID)[1:])[::2])),
    (PAGE, lambda: f"give {psnr(EVEN) - psnr(TAP):.1f} dB more than the paper's schedule: {psnr(EVEN):.1f} against "
                   f"{psnr(TAP):.1f}"),
    (PAGE, lambda: "all sigmas moved: {:+.1f}, {:+.1f}, {:+.1f} and {:+.1f} dB with 12, 10, 8 and 7 calls; those of "
                   "the skipped steps alone: ".format(*over(MOVED, DEFAULTS))
                   + "{:.1f} to {:.1f}".format(*sorted(over(SKIPPED, DEFAULTS))[::3])),
    (PAGE, lambda: "is {:.1f} to {:.1f} dB above TaylorSeer of order 2".format(*sorted(over(L2P, FORMER))[::3])),
    (PAGE, lambda: "its weights are {:.1f} to {:.1f} below TAP's".format(*sorted(over(DEFAULTS, WEIGHTS))[::3])),
    (PAGE, lambda: f"as good ({psnr('TAP, one choice for all tokens'):.1f}), and a random choice is ahead with 10 "
                   f"calls and fewer ({psnr('TAP, random choice'):.1f}; with 8 {psnr('TAP, random choice', 8):.1f}, "
                   f"TAP {psnr(TAP, 8):.1f}), and behind with 12 ({psnr('TAP, random choice', 12):.1f}; TAP "
                   f"{psnr(TAP, 12):.1f})"),
    (PAGE, lambda: f"Taylor order 2 by {psnr(FORMER) - psnr(TAP):.1f} dB and HiCache by "
                   f"{psnr('HiCache, order 2') - psnr(TAP):.1f}."),
    (PAGE, lambda: f"DiCache ({psnr('DiCache'):.1f}), Spectrum ({psnr('Spectrum'):.1f}), L2P ({psnr(L2P):.1f}), "
                   f"CG-Taylor ({psnr('CG-Taylor'):.1f}) and FoCa ({psnr('FoCa'):.1f}) beat it"),
    (PAGE, lambda: f"badly ({psnr('TAP with fallback'):.1f} with 10 calls)"),
    (PAGE, lambda: f"no cache at all gives {psnr('dpmpp_2m, fewer steps'):.1f} in less time: {better_than_tap()}"),
    (BENCH, lambda: f"give {psnr(TAP):.1f} dB at the paper's places and {psnr(GROWING):.1f} in windows"),
    (README, lambda: f"Pictures of another seed have {psnr(FLOOR, 0):.1f} dB in the mean of eight"),
    (f"{HELP}.md", lambda: f"then has a PSNR of {psnr(DEFAULTS, 12):.0f} dB against the full one, on average over "
                           f"eight scenes; a picture of another seed has {psnr(FLOOR, 0):.1f} dB"),
    (f"{HELP}/zh.md", lambda: f"的 PSNR 为 {psnr(DEFAULTS, 12):.0f} dB"),
    (f"{HELP}/zh.md", lambda: f"换一个种子的图像为 {psnr(FLOOR, 0):.1f} dB"),
]


@pytest.mark.parametrize(("file", "words"), SENTENCES)
def test_figures_in_a_text_are_those_of_the_results(file: str, words: Callable[[], str]) -> None:
    text = " ".join((ROOT / file).read_text(encoding="utf-8").split())
    assert words() in text


def test_what_is_said_without_a_figure_is_so() -> None:
    published = {count: {name: score for name, score in column(count, "psnr_worst").items() if is_published(name)}
                 for count in COUNTS}
    assert all(worst(DEFAULTS, count) > max(published[count].values()) for count in (12, 10))
    assert all(max(published[count], key=published[count].get) == "Spectrum" for count in (8, 7))
    ranks = {count: sorted(filter(is_published, column(count)), key=column(count).get)[::-1] for count in COUNTS}
    assert ranks[8][0] == ranks[7][0] == ranks[10][1] == "Spectrum"
    for count in (12, 10):
        found = column(count, "psnr_worst")
        assert max(found, key=found.get) == REPAID
    assert all(score < 0 for score in (psnr(IN_PART, count) - psnr(WHOLE, count) for count in COUNTS[:3]))
    assert IN_PART not in column(7)
    assert psnr(DEFAULTS, 12) < psnr(REPAID, 12)
