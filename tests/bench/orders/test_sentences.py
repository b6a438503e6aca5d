"""The figures in what is said of orders are those of the results."""

from __future__ import annotations

from pathlib import Path

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


def test_two_of_three_cells_keep_the_rule() -> None:
    found = rows()
    assert len(found) == 99 and "In two of three cells" in TEXT
    assert 0.62 < sum(below(row) <= 0.3 for row in found) / len(found) < 0.70


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


@pytest.mark.parametrize(("words", "where"), [
    ("*demo* with 10 calls (-{})", [{"model": "demo", "steps": 50, "target": "auto", "calls": 10}]),
    ("*balls* with 12 (-{})", [{"model": "balls", "steps": 50, "target": "auto", "calls": 12}]),
    ("order 2 is {} dB closer on *words* with 10 calls", [{"model": "words", "steps": 20, "cfg": 1.0, "calls": 10}]),
    ("{} and {} on *demo*", [{"model": "demo", "steps": 20, "cfg": 1.0, "calls": calls} for calls in (10, 7)]),
    ("{} and {} on *balls*", [{"model": "balls", "steps": 20, "cfg": 1.0, "calls": calls} for calls in (10, 7)]),
    ("on *words* order 0 is {} dB closer with 5 of 50 calls, {} with 4 of 20 at CFG 2 and {} with 10 of 20 at CFG 6", [
        {"model": "words", "steps": 50, "target": "auto", "calls": 5},
        *({"model": "words", "steps": 20, "cfg": cfg, "calls": calls} for cfg, calls in ((2.0, 4), (6.0, 10)))]),
    ("on *balls* {} and {} with 4 of 20", [
        {"model": "balls", "steps": 20, "cfg": cfg, "calls": 4} for cfg in (4.0, 6.0)]),
    ("order 2 is {} and {} closer", [{"model": "balls", "steps": 20, "cfg": cfg, "calls": 10} for cfg in (4.0, 6.0)]),
])
def test_what_the_default_loses_in_the_text_is_that_of_the_results(words: str, where: list[dict]) -> None:
    assert words.format(*(lost(**place) for place in where)) in TEXT


def test_the_rest_of_twelve_to_six_of_fifty_calls_is_within_what_the_text_says() -> None:
    rest = [row for row in rows(steps=50, target="auto") if row["calls"] > 5
            and (row["model"], row["calls"]) not in (("demo", 10), ("balls", 12))]
    assert len(rest) == 13 and "within 0.5 dB" in TEXT
    assert max(map(below, rest)) <= 0.5
