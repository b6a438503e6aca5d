"""Schedules that are known before the run: the step lists of their papers' settings, and bad lists."""

import pytest
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedules.growing import GrowingSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.listed import ListedSchedule, parse_steps
from tap_pack.tap_core.schedules.magcache import MagCacheSchedule, nearest_entry
from tap_pack.tap_core.schedules.model_tables import MAGNITUDES

from walk import walk


@pytest.mark.parametrize(("steps", "interval", "warmup", "expected"), [
    (50, 5, 3, [0, 1, *range(2, 50, 5)]),
    (50, 6, 3, [0, 1, *range(2, 50, 6)]),
    (50, 8, 3, [0, 1, 2, 10, 18, 26, 34, 42]),
    (50, 10, 3, [0, 1, 2, 12, 22, 32, 42]),
    (50, 4, 3, [0, 1, *range(2, 50, 4)]),
    (4, 3, 2, [0, 1]),
    (8, 3, 3, [0, 1, 2, 5]),
])
def test_the_papers_lists_of_full_steps(steps: int, interval: int, warmup: int, expected: list[int]) -> None:
    assert walk(IntervalSchedule(interval, warmup), steps) == expected


@pytest.mark.parametrize(("interval", "count"), [(3, 17), (4, 13), (5, 10), (7, 8)])
def test_fora_computes_every_nth_step_from_the_first(interval: int, count: int) -> None:
    full = walk(IntervalSchedule(interval, 1), 50)
    assert full == list(range(0, 50, interval))
    assert len(full) == count


def test_spectrum_computes_14_and_10_of_50_steps() -> None:
    slow, fast = (walk(GrowingSchedule(growth=growth), 50) for growth in (0.75, 3.0))
    # windows of floor(2), floor(2.75), floor(3.5), ... after the warm-up's last step 4
    assert slow == [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 25, 31, 38, 46]
    assert fast == [0, 1, 2, 3, 4, 6, 11, 19, 30, 44]


def naive_magcache(
    ratios: list[float], steps: int, threshold: float, most: int, retention: float, never: int
) -> list[int]:
    """The rule, written step by step."""
    full, product, error, run = [], 1.0, 0.0, 0
    for i in range(steps):
        entry = round(i * (len(ratios) - 1) / (steps - 1))
        if i < int(retention * steps + 0.5) or i == 0:
            full.append(i)
            continue
        product *= ratios[entry]
        run += 1
        error += abs(1 - product)
        if error > threshold or run > most or entry == never:
            full.append(i)
            product, error, run = 1.0, 0.0, 0
    return full


@pytest.mark.parametrize("steps", [20, 28, 50])
@pytest.mark.parametrize(("threshold", "most"), [(0.24, 5), (0.1, 3), (0.5, 50)])
def test_magcache_follows_the_table_of_its_model(steps: int, threshold: float, most: int) -> None:
    table = MAGNITUDES["FLUX"]
    expected = naive_magcache(list(table.ratios), steps, threshold, most, 0.1, table.always[0])
    assert walk(MagCacheSchedule(threshold, most), steps) == expected


def test_magcache_at_its_flux_settings_computes_less_than_half_of_28_steps() -> None:
    full = walk(MagCacheSchedule(), 28)
    assert full[:3] == [0, 1, 2]
    assert 11 in full
    assert 8 <= len(full) <= 12


def test_magcache_at_its_limits() -> None:
    assert walk(MagCacheSchedule(0.0), 28) == list(range(28))
    assert walk(MagCacheSchedule(float("inf"), 0, always=()), 28) == [0, 1, 2]
    assert nearest_entry(0, 1, 28) == 27


def test_a_list_of_steps_is_followed() -> None:
    assert walk(ListedSchedule((0, 3, 9)), 10) == [0, 3, 9]
    assert walk(ListedSchedule((4,)), 6) == [0, 4]


def test_lists_are_read_with_ranges() -> None:
    assert parse_steps("0, 1,2, 7-10,\n 20") == (0, 1, 2, 7, 8, 9, 10, 20)


@pytest.mark.parametrize(("text", "complaint"), [
    ("", "is empty"), (" , ", "is empty"), ("3, 1", "1 follows 3"), ("2, 2", "2 follows 2"), ("0, 9-5", "not a range"),
    ("one", "is not a step"), ("-1", "is not a step"), ("1.5", "is not a step"), ("nan", "is not a step"),
    ("0, 1, " + 5000 * "9", "is not a step"),
    ("0, ²", "is not a step"), ("1-2-3", "is not a step"), ("4-", "is not a step"), ("0-999999999", "not a range"),
])
def test_a_bad_list_is_refused_in_words(text: str, complaint: str) -> None:
    with pytest.raises(TapError, match=complaint):
        ListedSchedule(parse_steps(text))


def test_a_list_beyond_the_run_says_how_long_the_run_is() -> None:
    with pytest.raises(TapError, match=r"goes up to 30, but this run has 20 steps, 0 to 19"):
        walk(ListedSchedule((0, 10, 30)), 20)


@pytest.mark.parametrize("settings", [
    {"threshold": float("nan")}, {"threshold": -1.0}, {"retention": float("nan")}, {"ratios": ()},
    {"ratios": (1.0, 0.0)}, {"ratios": (1.0, float("nan"))}, {"max_skip": -1},
])
def test_bad_settings_of_magcache_are_refused(settings: dict) -> None:
    with pytest.raises(TapError):
        MagCacheSchedule(**settings)


@pytest.mark.parametrize("settings", [{"window": 0.5}, {"growth": float("nan")}, {"window": float("inf")}])
def test_bad_settings_of_spectrum_are_refused(settings: dict) -> None:
    with pytest.raises(TapError):
        GrowingSchedule(**settings)
