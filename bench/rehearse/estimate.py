"""How many times faster a run would be on a card, from the seconds of its kinds of steps."""

from __future__ import annotations

from functools import cache
from statistics import mean

from figures.page import read_results
from rehearse.rows import PAPER, PAPER_STEPS

STAND_INS = ("demo", "words", "balls")
# Courses of bench/closeness that stand for a run without guidance and with it: steps and CFG of euler.
COURSES = {False: (20, 1.0), True: (50, 4.0)}


def speed_ups(stock: float, full: float, skipped: float) -> dict[str, float]:
    """By N, of 50 steps, from the seconds of each kind of step."""
    return {str(interval): faster(count / PAPER_STEPS, stock, full, skipped)
            for interval, (count, _) in PAPER.items()}


def faster(share: float, stock: float, full: float, skipped: float) -> float:
    """Of a run that computes this share of its steps."""
    return stock / (share * full + (1 - share) * skipped)


@cache
def computed_share(guided: bool) -> float:
    """Share of the steps that quality *close* computes, in the mean of the three small models."""
    steps, cfg = COURSES[guided]
    rows = [row for name in STAND_INS for row in read_results(f"closeness_{name}")["rows"]
            if (row["steps"], row["sampler"], row["cfg"]) == (steps, "euler", cfg)]
    return mean(mean(row["qualities"]["close"]["calls"]) for row in rows) / steps
