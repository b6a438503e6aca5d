"""How long a run still takes: by its plan where it has one, by the mean of its steps where it has none."""

from __future__ import annotations

from tap_pack.nodes.comfy_bridge.live.time_left import TimeLeft


def words(ends: list[float], marks: str, plan: str) -> str:
    """What is said when the evaluations of the first steps ended at these times."""
    times = iter(ends)
    left = TimeLeft(lambda: next(times))
    for step in range(len(ends)):
        left.evaluated(step)
    return left.words(marks, plan)


def test_planned_steps_count_by_their_kind() -> None:
    # A full step takes 10 s, a forecast 1 s: 2 full ones and 3 forecasts are to come.
    assert words([5, 15, 16, 17], "ffss.....", "ffssfsssf") == "about 23 s left"


def test_without_a_plan_each_step_takes_the_mean() -> None:
    assert words([5, 15, 16, 17], "ffss....", "") == "about 16 s left"


def test_nothing_is_said_before_something_is_known_and_at_the_end() -> None:
    assert words([5, 15], "ff..", "ffss") == ""
    assert words([5, 6, 7, 8], "ffff", "ffff") == ""


def test_long_times_are_minutes_and_the_shortest_is_a_second() -> None:
    assert words([0, 100, 200], "fff...", "ffffff") == "about 5 min 0 s left"
    assert words([0, 0.1, 0.2], "fff...", "ffffff") == "about 1 s left"


def test_a_step_that_is_evaluated_twice_counts_as_one() -> None:
    times = iter([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    left = TimeLeft(lambda: next(times))
    for step in (0, 0, 1, 1, 2, 2):
        left.evaluated(step)
    assert left.words("fff.", "ffff") == "about 20 s left"
