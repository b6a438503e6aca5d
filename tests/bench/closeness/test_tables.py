"""How often a wish was met, and what a fixed number of full steps gives in its place."""

from __future__ import annotations

import pytest

from closeness import tables


def score(*pairs: tuple[float, float]) -> dict:
    """Of (calls, PSNR) by picture."""
    return {"calls": [calls for calls, _ in pairs], "psnr": [psnr for _, psnr in pairs],
            "told": [None] * len(pairs), "batch": False}


def row(*pairs: tuple[float, float], steps: int = 20, **fixed: float) -> dict:
    """A row whose quality close has these, and whose fixed numbers have their worst pictures here."""
    return {"model": "words", "steps": steps, "sampler": "euler", "cfg": 1.0,
            "qualities": {name: score(*pairs) for name in tables.WISHES},
            "fixed": {count[1:]: score((int(count[1:]), worst), (int(count[1:]), worst + 5))
                      for count, worst in fixed.items()}, "plain": {}, "paper": score()}


def test_pictures_are_met_closer_or_farther_and_full_runs_are_left_out() -> None:
    found = row((8, 42.0), (9, 50.0), (9, 50.5), (8, 39.0), (8, 38.0), (8, 35.0), (20, 150.0))
    assert tables.met_line("words", "close", [found])[:6] == (
        "words, close, 42 dB", "6", "50 %", "17 %", "33 %", "1")


def test_the_worst_picture_is_held_against_a_fixed_number_with_as_many_calls() -> None:
    found = row((8, 45.0), (9, 41.0), n6=20.0, n8=33.0, n12=41.0)
    assert tables.over_fixed(found, "close") == pytest.approx(8.0)
    assert tables.over_fixed(row((8, 45.0), (10, 41.0), n8=33.0), "close") is None
    assert tables.over_fixed(row((20, 150.0), n8=33.0), "close") is None


def test_calls_are_held_against_the_least_fixed_number_as_close() -> None:
    found = row((8, 45.0), (9, 41.0), n6=20.0, n8=33.0, n12=41.0, n14=60.0)
    assert tables.over_least(found, "close") == pytest.approx(8.5 / 12)
    assert tables.over_least(row((8, 45.0), n6=20.0), "close") == pytest.approx(8 / 20)
    assert tables.over_least(row((20, 150.0)), "close") is None


def test_pictures_with_every_step_computed_do_not_raise_the_mean() -> None:
    found = row((8, 45.0), (9, 41.0), (20, 150.0))
    assert tables.default_cell(found, "close") == "12.3: 43.0 (41.0)"
    assert tables.default_cell(row((20, 150.0)), "close") == "all"


def test_a_line_of_all_courses() -> None:
    better, worse = row((8, 45.0), n8=35.0), row((8, 45.0), n6=46.0, n8=47.0)
    line = tables.met_line("words", "close", [better, worse, row((20, 150.0))])
    assert line[6:] == ("+4.0 (-2.0 to +10.0) in 2", "in 1 of 2")
