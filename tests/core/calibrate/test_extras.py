"""Learned weights and moved sigmas in a calibration, in its text, and where a run has the moved sigmas."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.calibrate.budget import Budget
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.calibrate.calibrated import CalibratedSchedule
from tap_pack.tap_core.calibrate.fitted_numbers import Changes
from tap_pack.tap_core.calibrate.learned_rows import learned_weights
from tap_pack.tap_core.calibrate.moved_sigmas import moved_sigmas
from tap_pack.tap_core.calibrate.text import Calibration, CalibrationLine, from_text, to_text
from tap_pack.tap_core.calibrate.trace import ConditionTrace, Trace
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.timeline import Timeline

STEPS = 12
SIGMAS = tuple(round(1 - i / STEPS, 4) for i in range(STEPS + 1))
MOVED = tuple(round(sigma**1.2, 4) for sigma in SIGMAS)
WEIGHTS = ((0.0, 0.0, 0.0, 0.0), (-1.25, 0.5, 0.0, 0.0), (1.0, -2.0, 0.125, 1e-5))
PLAIN = Calibration("Flux", "target auto, taylor", SIGMAS,
                    (CalibrationLine((0, 4, 8), 38.2), CalibrationLine((0, 1, 3, 6, 9), 50.5)))
BOTH = replace(PLAIN, lines=(replace(PLAIN.lines[0], weights=WEIGHTS, sigmas=MOVED), PLAIN.lines[1]))
TEXT = to_text(BOTH)


def made_trace(seed: int, full: tuple[int, ...] = (), steps: int = STEPS) -> Trace:
    """A smooth run; other seeds have other curves."""
    lot = torch.Generator().manual_seed(seed)
    speed, phase = 2 * torch.rand(2, 6, 4, generator=lot)
    curve = torch.sin(speed * torch.linspace(0, 3, steps)[:, None, None] + phase)
    sigmas = tuple(1 - i / steps for i in range(steps + 1))
    return Trace("Flux", "output", sigmas, (ConditionTrace(1.0, curve, curve, Changes(), ()),), full=full)


def test_a_text_without_them_is_as_before_and_one_with_them_gives_them_back() -> None:
    assert to_text(PLAIN).startswith("TAP placement 1\n")
    assert len(to_text(PLAIN).splitlines()) == 6
    assert TEXT.startswith("TAP placement 2\n")
    assert TEXT.splitlines()[-2:] == [
        "3 calls, weights: 0 0 0 0; -1.25 0.5 0 0; 1 -2 0.125 1e-05",
        "3 calls, sigmas: " + " ".join(f"{sigma:.5g}" for sigma in MOVED)]
    assert from_text(TEXT) == BOTH
    assert from_text(TEXT.replace("placement 2", "placement 1")) == BOTH
    assert from_text(to_text(PLAIN)) == PLAIN


@pytest.mark.parametrize(("old", "new", "says"), [
    ("placement 2", "placement 4", "reads versions 1 to 3"),
    ("; 1 -2 0.125 1e-05", "", "3 times 4 numbers"),
    ("0 0 0 0;", "0 0 0;", "3 times 4 numbers"),
    ("-1.25 0.5", "-1.25 half", "weights are not all numbers"),
    ("-1.25 0.5", "-1.25 nan", "from -1000 to 1000"),
    ("-1.25 0.5", "-1.25 5000", "from -1000 to 1000"),
    ("3 calls, weights", "4 calls, weights", "4 times 4 numbers"),
    ("3 calls, sigmas", "4 calls, sigmas", "a line for 4 calls"),
    ("3 calls, sigmas: 1 ", "3 calls, sigmas: ", "have to fall, as many"),
    ("3 calls, sigmas: 1 ", "3 calls, sigmas: 0.95 ", "have to fall, as many"),
    ("3 calls, sigmas: 1 0.9009", "3 calls, sigmas: 1 0.1", "have to fall, as many"),
    ("3 calls, sigmas: 1 ", "3 calls, sigmas: inf ", "2 sigmas or more"),
    ("3 calls, sigmas: 1 ", "3 calls, sigmas: one ", "sigmas are not all numbers"),
])
def test_damaged_lines_are_refused_in_words(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(TapError, match=says) as refusal:
        from_text(TEXT.replace(old, new))
    assert str(refusal.value).endswith(("TAP Calibrate made.", "calibrate again."))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.text(max_size=5))
def test_a_damaged_text_is_read_or_refused(seed: int, letters: str) -> None:
    lot = random.Random(seed)
    start = lot.randrange(len(TEXT))
    try:
        found = from_text(TEXT[:start] + letters + TEXT[start + lot.randrange(8) :])
    except TapError as error:
        assert str(error).endswith(".")
    else:
        assert CalibratedSchedule(found, Budget(calls=3)).places(Timeline(SIGMAS))[0] == 0


def test_they_belong_to_their_number_of_calls() -> None:
    assert BOTH.learned(3).full == (0, 4, 8)
    assert BOTH.learned(3).numbers == WEIGHTS
    assert BOTH.learned(5) is None
    assert BOTH.sigmas_for(3) == MOVED
    assert BOTH.sigmas_for(5) == SIGMAS


def test_a_run_with_the_moved_sigmas_has_the_steps_of_the_line() -> None:
    schedule, moved = CalibratedSchedule(BOTH, Budget(3)), Timeline(MOVED)
    assert schedule.places(moved) == (0, 4, 8)
    assert schedule.notes(moved, "Flux") == []
    other = CalibratedSchedule(BOTH, Budget(5))
    assert "was moved to 12 steps with other sigmas by noise level" in other.notes(moved, "Flux")[0]


def test_a_calibration_has_them_where_they_are_wanted() -> None:
    traces = [made_trace(1), made_trace(2)]
    plain = calibrate(traces, PlannedRun(PoolSettings(), calls=6))
    found = calibrate(traces, PlannedRun(PoolSettings(), calls=6, weights=True, moved="all"))
    full = plain.line(6).full
    assert [(line.full, line.decibels) for line in found.lines] == [(line.full, line.decibels) for line in plain.lines]
    assert found.line(6).weights == learned_weights(traces, full).numbers
    assert found.line(6).sigmas == moved_sigmas(traces, full, "all")
    assert not any(line.weights or line.sigmas for line in found.lines if line.calls != 6)
    assert to_text(plain) == to_text(replace(found, lines=plain.lines))


@pytest.mark.parametrize("calls", [1, STEPS])
def test_where_there_is_nothing_to_learn_the_text_has_no_weights(calls: int) -> None:
    found = calibrate([made_trace(1)], PlannedRun(PoolSettings(), calls=calls, weights=True))
    assert found.line(calls).weights == ()
    assert from_text(to_text(found)).line(calls).full == found.line(calls).full


def test_runs_that_skipped_keep_their_steps_and_give_the_weights() -> None:
    full = (0, 1, 2, 4, 7, 9)
    whole, skipping = made_trace(1), made_trace(1, full)
    skipping.conditions[0].target[1:] *= 1.1
    found = calibrate([whole, skipping], PlannedRun(PoolSettings(), calls=6, weights=True))
    assert found.line(6).full == full
    assert found.line(6).weights == learned_weights([whole, skipping], full).numbers
    assert found.line(6).weights != learned_weights([whole], full).numbers
    assert found.line(5).full == calibrate([whole], PlannedRun(PoolSettings(), calls=6)).line(5).full
    assert calibrate([whole], PlannedRun(PoolSettings(learned=found.learned(6)), calls=6)) == calibrate(
        [whole], PlannedRun(PoolSettings(), calls=6))
    with pytest.raises(TapError, match="same prompt and seed"):
        calibrate([skipping], PlannedRun(PoolSettings(), calls=6, weights=True))


def test_runs_that_skipped_have_to_fit_one_another_and_the_budget() -> None:
    planned = PlannedRun(PoolSettings(), calls=6)
    with pytest.raises(TapError, match="skipped different steps"):
        calibrate([made_trace(1, (0, 1, 2, 4, 7, 9)), made_trace(2, (0, 1, 2, 4, 7, 8))], planned)
    with pytest.raises(TapError, match="set budget to 5"):
        calibrate([made_trace(1), made_trace(2, (0, 1, 2, 4, 7))], planned)


def test_a_long_gap_of_a_run_that_skipped_is_counted() -> None:
    full = (0, 1, 2, 3, 4, 29)
    traces = [made_trace(1, steps=30), made_trace(2, full, steps=30)]
    assert calibrate(traces, PlannedRun(PoolSettings(), calls=6)).line(6).full == full
