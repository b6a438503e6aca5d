"""The figures in what is said of orders are those of the results."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from figures.page import read_results
from orders.command import ORDERS, below, below_plain

README = Path(__file__).resolve().parents[3] / "bench" / "orders" / "README.md"
TEXT = " ".join(README.read_text(encoding="utf-8").split())


def rows(**wanted: object) -> list[dict]:
    """The rows that have these values."""
    found = read_results("orders")["rows"]
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def lost(**wanted: object) -> str:
    """By how much the default is below the best single order there, as it is printed."""
    row, = rows(**wanted)
    return f"{below(row):.1f}"


def test_three_of_five_cells_keep_the_rule() -> None:
    kept = {model: sum(below(row) <= 0.3 for row in rows(model=model)) for model in ("demo", "words", "balls")}
    assert {len(rows(model=model)) for model in kept} == {33}
    said = "In three of five cells: {demo} of 33 of *demo*, {words} of *words*, {balls} of *balls*"
    assert said.format(**kept) in TEXT
    assert 0.57 < sum(kept.values()) / 99 < 0.63


def mean_over(order: str, model: str) -> float:
    """How many dB a single order is above the default, in the mean of a model's cells with the defaults' own target."""
    scores = [row["scores"] for row in rows(model=model, target="auto")]
    return mean(score[order]["psnr"] - score["default"]["psnr"] for score in scores)


def test_in_the_mean_only_order_2_on_balls_is_ahead_of_the_default() -> None:
    names = [name for order in ORDERS for name in (order, f"{order}, trust")]
    ahead = {(model, name): over for model in ("demo", "words", "balls") for name in names
             if (over := mean_over(name, model)) > 0}
    assert list(ahead) == [("balls", "2, trust")]
    assert f"on *balls* order 2 with trust is {ahead['balls', '2, trust']:.1f} dB ahead" in TEXT


def test_where_plain_steps_are_closer_is_said() -> None:
    lost = [row for row in rows() if below_plain(row) > 0]
    most, highest = max(map(below_plain, lost)), max(row["scores"]["default"]["psnr"] for row in lost)
    assert f"closer in {len(lost)} of 99 cells, by {most:.1f} dB at most" in TEXT
    assert f"never where the default has more than {highest:.1f} dB" in TEXT
    assert all(row["calls"] <= 5 or row["cfg"] >= 5 for row in lost)


def test_at_the_strongest_guidance_each_single_order_is_closer_on_words() -> None:
    row, = rows(model="words", cfg=7.0, calls=10)
    means = {name: score["psnr"] for name, score in row["scores"].items()}
    best = [max(means[order], means[f"{order}, trust"]) for order in ORDERS]
    closer = [each - means["default"] for each in best]
    assert f"{min(closer):.1f} to {max(closer):.1f} dB closer on *words* with 10 of 20" in TEXT and max(best) < 29


def test_order_2_is_closer_on_balls_wherever_gaps_are_short() -> None:
    short = [row for row in rows(model="balls", steps=20) if row["calls"] == 10]
    assert len(short) == 7
    for row in short:
        assert row["scores"]["2"]["psnr"] > row["scores"]["default"]["psnr"]


@pytest.mark.parametrize(("words", "where"), [
    ("*demo* with 10 calls (-{})", [{"model": "demo", "steps": 50, "target": "auto", "calls": 10}]),
    ("by {} and {} dB without guidance", [
        {"model": "balls", "steps": 20, "cfg": 1.0, "calls": calls} for calls in (10, 7)]),
    ("{} with 10 of 20 at CFG 4, and {} and {} at CFG 6 and 7", [
        {"model": "balls", "steps": 20, "cfg": cfg, "calls": 10} for cfg in (4.0, 6.0, 7.0)]),
    ("on *demo* by {} and {} without guidance", [
        {"model": "demo", "steps": 20, "cfg": 1.0, "calls": calls} for calls in (10, 7)]),
    ("On *words* it gains {} there", [{"model": "words", "steps": 20, "cfg": 1.0, "calls": 10}]),
    ("on *words* order 0 is {} dB closer with 5 of 50 calls, {} with 4 of 20 at CFG 2 and {} with 10 of 20 at CFG 6", [
        {"model": "words", "steps": 50, "target": "auto", "calls": 5},
        *({"model": "words", "steps": 20, "cfg": cfg, "calls": calls} for cfg, calls in ((2.0, 4), (6.0, 10)))]),
    ("on *balls* {} and {} with 4 of 20", [
        {"model": "balls", "steps": 20, "cfg": cfg, "calls": 4} for cfg in (4.0, 6.0)]),
])
def test_what_the_default_loses_in_the_text_is_that_of_the_results(words: str, where: list[dict]) -> None:
    assert words.format(*(lost(**place) for place in where)) in TEXT


def test_the_rest_of_twelve_to_six_of_fifty_calls_is_within_what_the_text_says() -> None:
    rest = [row for row in rows(steps=50, target="auto") if row["calls"] > 5
            and (row["model"], row["calls"]) != ("demo", 10)]
    assert len(rest) == 14 and "within 0.6 dB" in TEXT
    assert max(map(below, rest)) <= 0.6
