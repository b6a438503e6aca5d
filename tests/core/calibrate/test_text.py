"""The text of a calibration, the budget, and how a placement is moved to another run."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.calibrate.budget import Budget, parsed_budget
from tap_pack.tap_core.calibrate.calibrated import CalibratedSchedule, remapped, sigma_distance
from tap_pack.tap_core.calibrate.text import Calibration, CalibrationLine, from_text, to_text
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.timeline import Timeline

from walk import walk


def sigmas_of(steps: int, shift: float = 1.0) -> tuple[float, ...]:
    """A flow model's sigmas at this shift."""
    times = [1 - i / steps for i in range(steps + 1)]
    return tuple(round(shift * t / (1 + (shift - 1) * t), 4) for t in times)


FIFTY = Calibration("Flux", "target auto, taylor", sigmas_of(50), (
    CalibrationLine((0, 3, 8, 17, 30), 38.2), CalibrationLine((0, 1, 3, 6, 10, 15, 21, 28, 36, 49), 50.5),
))
TEXT = to_text(FIFTY)


def test_a_text_gives_the_calibration_back() -> None:
    assert from_text(TEXT) == FIFTY
    assert to_text(from_text(TEXT)) == TEXT
    assert from_text("\n\n" + TEXT.replace("\n", "  \r\n") + "\n") == FIFTY


def test_where_pictures_mostly_lie_is_in_the_text() -> None:
    lines = (replace(line, span=(43.5, line.decibels + 20)) for line in FIFTY.lines)
    told = replace(FIFTY, lines=tuple(lines))
    text = to_text(told)
    assert text.startswith("TAP placement 3\n")
    assert text.splitlines()[-1] == "10 calls, about 50.5 dB, mostly 43.5 to 70.5: 0 1 3 6 10 15 21 28 36 49"
    assert from_text(text) == told


def test_a_person_can_read_it() -> None:
    assert TEXT.splitlines()[-1] == "10 calls, about 50.5 dB: 0 1 3 6 10 15 21 28 36 49"
    assert TEXT.startswith("TAP placement 1\nmodel: Flux\n")


@pytest.mark.parametrize(("text", "says"), [
    ("", "does not begin with"),
    ("0, 1, 2", "does not begin with"),
    (TEXT.replace("placement 1", "placement 4"), "version 4"),
    (TEXT.replace("placement 1", "placement " + 5000 * "9"), "does not begin with 'TAP placement 3'"),
    (TEXT.replace("model: Flux", ""), "begins with 'model'"),
    (TEXT.replace("sigmas: 1 ", "sigmas: one "), "not all numbers"),
    (TEXT.replace("sigmas: 1 ", "sigmas: nan "), "2 sigmas or more"),
    (TEXT.partition("5 calls")[0], "no line such as"),
    (TEXT.replace("0 3 8", "0 8 3"), "have to begin with 0, rise"),
    (TEXT.replace("0 3 8", "1 3 8"), "have to begin with 0, rise"),
    (TEXT.replace("17 30", "17 50"), "stay below 50"),
    (TEXT.replace("17 30", "17"), "says 5 calls and names 4"),
    (TEXT.replace("dB", "decibels"), "is not a line of a placement"),
    (TEXT + "\nalso: this", "is not a line of a placement"),
    ("9" * 200_000, "letters"),
    (TEXT + "\n" + TEXT.splitlines()[-1], "two lines for the same number of calls"),
    (TEXT.replace("model: Flux", "model: Flux\nmodel: Wan"), "two lines that begin with the same name"),
    (TEXT.replace("about 50.5 dB", "about 50.5 dB, mostly 68.0 to 41.0"), "the higher figure of the span stands first"),
])
def test_other_texts_are_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(TapError, match=says):
        from_text(text)


def test_a_mark_that_editors_put_before_a_text_is_no_fault() -> None:
    assert from_text("\ufeff" + TEXT) == from_text(TEXT)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.text(max_size=5))
def test_a_damaged_text_is_read_or_refused(seed: int, letters: str) -> None:
    lot = random.Random(seed)
    start = lot.randrange(len(TEXT))
    damaged = TEXT[:start] + letters + TEXT[start + lot.randrange(8) :]
    try:
        found = from_text(damaged)
    except TapError as error:
        assert str(error).endswith(".")
    else:
        assert from_text(to_text(found)) == found or len(found.sigmas) != 51
        schedule = CalibratedSchedule(found, Budget(calls=7))
        assert walk(schedule, 20)[0] == 0


@pytest.mark.parametrize(("text", "of_fifty"), [("10", 10), (" 5x ", 10), ("2.5 X", 20), ("1x", 50), ("80", 50)])
def test_a_budget_is_a_number_of_calls_or_how_many_times_fewer(text: str, of_fifty: int) -> None:
    assert parsed_budget(text).calls_of(50) == of_fifty


@pytest.mark.parametrize("text", ["", "ten", "0", "-3", "3.5", "0.5x", "5 calls", "nan", "1e9", "x", "٣"])
def test_what_is_no_budget_is_refused_in_words(text: str) -> None:
    with pytest.raises(TapError, match="budget is"):
        parsed_budget(text)


def test_the_schedule_takes_the_line_of_its_budget() -> None:
    run = Timeline(sigmas_of(50))
    for calls, line in ((10, 1), (5, 0), (9, 0), (2, 0), (30, 1)):
        assert CalibratedSchedule(FIFTY, Budget(calls)).places(run) == FIFTY.lines[line].full
    assert CalibratedSchedule(FIFTY, Budget(10)).notes(run, "Flux (input/output fallback)") == []
    assert "budget 5x" in str(CalibratedSchedule(FIFTY, Budget(times=5)))
    assert "budget 10" in str(TapSettings(given_schedule=CalibratedSchedule(FIFTY, Budget(10))).schedule())


def test_five_times_fewer_counts_on_the_run_at_hand() -> None:
    assert len(CalibratedSchedule(FIFTY, Budget(times=5)).places(Timeline(sigmas_of(26)))) == 5


@pytest.mark.parametrize("steps", [50, 40, 28, 20, 12, 10])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_placement_moves_to_the_nearest_noise_levels(steps: int, shift: float) -> None:
    full, target = FIFTY.lines[1].full, sigmas_of(steps, shift)
    places = remapped(full, FIFTY.sigmas, target)
    assert len(places) == len(full)
    assert (places[0], places[-1]) == (0, steps - 1)
    assert all(b > a for a, b in pairwise(places))
    if steps >= 28 and shift == 1:
        for here, there in zip(full[1:-1], places[1:-1], strict=True):
            assert abs(FIFTY.sigmas[here] - target[there]) <= 1.5 / steps


def test_a_run_that_is_too_short_is_computed_in_full() -> None:
    assert remapped(FIFTY.lines[1].full, FIFTY.sigmas, sigmas_of(4)) == (0, 1, 2, 3)
    assert remapped(FIFTY.lines[1].full, FIFTY.sigmas, sigmas_of(1)) == (0,)


def test_a_note_says_what_may_not_fit() -> None:
    schedule = CalibratedSchedule(FIFTY, Budget(10))
    (moved,) = schedule.notes(Timeline(sigmas_of(28)), "Flux")
    assert "50 steps, was moved to 28" in moved
    assert "may not fit" not in moved
    (shifted,) = schedule.notes(Timeline(sigmas_of(50, 3.0)), "Flux")
    assert "may not fit: scheduler or shift" in shifted and "was moved to 50 steps with other sigmas by" in shifted
    (other,) = schedule.notes(Timeline(sigmas_of(50)), "WAN21")
    assert "used on WAN21: it may not fit" in other
    assert sigma_distance(sigmas_of(50), sigmas_of(20)) == pytest.approx(0, abs=1e-4)
