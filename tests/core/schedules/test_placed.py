"""Full steps at equal shares of a curve: as many as the paper's schedule has, with the first and the last."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
from tap_pack.tap_core.schedules.placed import by_change, change_schedule, even_schedule, place
from tap_pack.tap_core.timeline import Timeline


def timeline(steps: int) -> Timeline:
    return Timeline(tuple(1 - i / steps for i in range(steps + 1)))


def placed(steps: int, interval: int, warmup: int = 3) -> list[int]:
    schedule = even_schedule(interval, warmup)
    return [step for step in range(steps) if schedule.decide(step, timeline(steps)).full]


def test_ten_of_fifty_are_spread_evenly_with_the_last_one_full() -> None:
    assert placed(50, 6) == [0, 5, 11, 16, 22, 27, 33, 38, 44, 49]


@pytest.mark.parametrize("interval", [1, 2, 5, 6, 8, 10, 20])
@pytest.mark.parametrize("steps", [1, 2, 4, 8, 20, 50])
def test_as_many_steps_are_full_as_in_the_papers_schedule(steps: int, interval: int) -> None:
    paper = full_steps(IntervalSchedule(interval, 3), timeline(steps))
    assert len(placed(steps, interval)) == len(paper)


def test_a_steep_stretch_of_the_curve_gets_more_of_them() -> None:
    heights = [min(i, 10) + 0.1 * i for i in range(50)]
    assert sum(step <= 10 for step in place(heights, 8)) >= 5


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.integers(1, 60))
def test_places_are_different_in_order_and_include_both_ends(rises: list[float], count: int) -> None:
    heights = [sum(rises[: i + 1]) for i in range(len(rises))]
    count = min(count, len(heights))
    places = place(heights, count)
    assert len(places) == len(set(places)) == count
    assert places == sorted(places)
    assert places[0] == 0
    assert count == 1 or places[-1] == len(heights) - 1


def changed(steps: int, interval: int, sigmas: Sequence[float]) -> list[int]:
    line = Timeline(tuple(sigmas))
    schedule = change_schedule(interval, 3)
    return [step for step in range(steps) if schedule.decide(step, line).full]


def test_by_change_more_of_an_even_run_is_computed_at_its_start() -> None:
    assert changed(50, 5, [1 - i / 50 for i in range(51)]) == [0, 2, 5, 9, 14, 18, 23, 28, 33, 38, 44, 49]


def test_a_shifted_run_dwells_at_the_start_already_and_is_computed_more_evenly() -> None:
    shifted = [3 * u / (1 + 2 * u) for u in (1 - i / 50 for i in range(51))]
    steps = changed(50, 5, shifted)
    assert sum(step < 25 for step in steps) in (5, 6, 7)


@pytest.mark.parametrize("scale", [14.6, 80.0])
def test_sigmas_above_one_count_as_noise_added_to_the_picture(scale: float) -> None:
    sigmas = [scale * (1 - i / 20) ** 3 for i in range(21)]
    as_flow = [sigma / (1 + sigma) for sigma in sigmas]
    assert by_change(sigmas, mixed=False) == pytest.approx(by_change(as_flow, mixed=True))
    assert by_change(sigmas, mixed=False) == sorted(by_change(sigmas, mixed=False))


def test_a_first_sigma_that_is_rounded_above_one_is_still_a_flow_models() -> None:
    sigmas = [1 - step / 50 for step in range(51)]
    rounded = Timeline((1.0000001, *sigmas[1:]))
    schedule = change_schedule(5, 3)
    assert schedule._places(rounded) == schedule._places(Timeline(tuple(sigmas)))
    assert not Timeline((1.01, *sigmas[1:])).mixes
    assert not Timeline(tuple(sigmas), mixed=False).mixes
