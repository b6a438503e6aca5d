"""Full steps of the paper's schedule, at the indices that its figures imply."""

from __future__ import annotations

import pytest
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps

from trajectories import even_timeline


@pytest.mark.parametrize(
    ("steps", "warmup", "interval", "expected"),
    [
        (50, 3, 5, [0, 1, 2, 7, 12, 17, 22, 27, 32, 37, 42, 47]),
        (50, 3, 6, [0, 1, 2, 8, 14, 20, 26, 32, 38, 44]),
        (50, 3, 7, [0, 1, 2, 9, 16, 23, 30, 37, 44]),
        (50, 3, 8, [0, 1, 2, 10, 18, 26, 34, 42]),
        (50, 3, 10, [0, 1, 2, 12, 22, 32, 42]),
        (4, 2, 3, [0, 1]),
        (8, 3, 3, [0, 1, 2, 5]),
        (50, 1, 7, list(range(0, 50, 7))),
    ],
)
def test_full_steps_are_the_papers(steps: int, warmup: int, interval: int, expected: list[int]) -> None:
    assert full_steps(IntervalSchedule(interval, warmup), even_timeline(steps)) == expected


@pytest.mark.parametrize("warmup", range(6))
@pytest.mark.parametrize("interval", range(1, 12))
@pytest.mark.parametrize("steps", [1, 2, 4, 8, 28, 50])
def test_the_count_follows_the_formula_of_the_papers_figures(steps: int, interval: int, warmup: int) -> None:
    first = min(max(warmup, 1), steps)
    expected = first + (steps - first) // interval
    assert len(full_steps(IntervalSchedule(interval, warmup), even_timeline(steps))) == expected


def test_interval_one_computes_every_step() -> None:
    assert full_steps(IntervalSchedule(1, 0), even_timeline(20)) == list(range(20))


def test_the_first_step_is_full_without_a_warm_up() -> None:
    assert full_steps(IntervalSchedule(4, 0), even_timeline(10)) == [0, 4, 8]


def test_only_the_last_two_warm_up_steps_are_remembered() -> None:
    decisions = [IntervalSchedule(5, 4).decide(step, even_timeline(10)) for step in range(10)]
    assert [step for step, decision in enumerate(decisions) if decision.full] == [0, 1, 2, 3, 8]
    assert [step for step, decision in enumerate(decisions) if decision.full and decision.remember] == [2, 3, 8]


def test_each_full_step_says_why() -> None:
    decisions = [IntervalSchedule(5, 3).decide(step, even_timeline(8)) for step in range(8)]
    assert [decision.reason for decision in decisions] == ["warm-up"] * 3 + [""] * 4 + ["interval"]


@pytest.mark.parametrize(
    ("interval", "warmup", "name"), [(0, 3, "interval"), (-2, 3, "interval"), (5, -1, "warmup_steps")]
)
def test_a_number_that_makes_no_schedule_is_named(interval: int, warmup: int, name: str) -> None:
    with pytest.raises(TapError, match=rf"{name} is -?\d+; set it to"):
        IntervalSchedule(interval, warmup)
