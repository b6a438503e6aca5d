"""What gaps are expected to drift by: beforehand, by the first steps, and by the gaps so far."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.closeness import Line
from tap_pack.tap_core.sampling.drifts import ONE_STEP
from tap_pack.tap_core.schedule import Seen
from tap_pack.tap_core.schedules.drift_rates import (
    ALONE,
    DECIBEL,
    EARLY,
    MARGIN,
    NEWEST,
    NOISY_RATE,
    RATE,
    RATE_GUIDED,
    RATE_SHORT,
    DriftRates,
    line_of,
)
from tap_pack.tap_core.schedules.placed import by_change, change_done
from tap_pack.tap_core.schedules.quality import QualitySchedule
from tap_pack.tap_core.timeline import Timeline

SIGMAS = tuple(1 - i / 40 for i in range(41))
HEIGHTS = tuple(i / 39 for i in range(40))
# Squared slopes that a step is off, so that skipping it would have drifted as a gap of the whole run by 0 dB does.
CALM = (2 / 39) ** 6 / (1 / 40) ** 2


def rates(guidance: float = 1.0) -> DriftRates:
    return DriftRates(Timeline(SIGMAS, guidance=guidance), HEIGHTS)


def in_decibels(each: list[float]) -> list[float]:
    return [rate / DECIBEL for rate in each]


def full_steps(
    surprise: float, most: int = 0, batch: int = 1, guidance: float = 4.0, renewed: float = 0.0,
) -> list[int]:
    """Of a run whose steps surprise by so many dB, 5 less with each, and whose gaps drift by 10 dB, calmly."""
    course, full, drifts = QualitySchedule(42.0, most).start(Timeline(SIGMAS, guidance=guidance)), [], None
    for step in range(40):
        if step == 1:
            course.foresee(renewed)
        seen = Seen(float(step), SIGMAS[step])
        seen.full = seen.whole = course.before(seen).full
        if seen.whole and full and step > full[-1] + 1:
            latest = 10 * ((step - full[-1]) / 39) ** 6 * (ONE_STEP**2 if full == [0] else 1.0)
            drifts = torch.tensor([[latest if drifts is None else float(drifts[0, 0]) + latest], [latest]])
            drifts = drifts.expand(2, batch)
        elif seen.whole and full:
            seen.surprise = torch.tensor([CALM] * (batch - 1) + [CALM * 10 ** (surprise / 10 - step / 2)])
        full += [step] * seen.whole
        seen.drifts = drifts if seen.whole else None
        course.after(seen)
    return full


def test_guidance_is_expected_to_drift_more() -> None:
    assert in_decibels(rates().of_run(2)) == pytest.approx([RATE] * 2)
    assert in_decibels(rates(4.0).of_next_gap(0)) == pytest.approx([RATE + 2 * RATE_GUIDED])


def test_fewer_steps_are_expected_to_drift_less_and_more_steps_as_twenty() -> None:
    found = [in_decibels(DriftRates(evenly(steps), HEIGHTS).of_run(1))[0] for steps in (40, 20, 10, 5)]
    assert found == pytest.approx([RATE, RATE, RATE - RATE_SHORT, RATE - 2 * RATE_SHORT])
    noisy = DriftRates(evenly(10), HEIGHTS)
    noisy.expect_noise(0.5)
    assert in_decibels(noisy.of_run(1)) == pytest.approx([NOISY_RATE - RATE_SHORT])


def evenly(steps: int, start: float = 1.0) -> Timeline:
    """A flow's run of even steps from a noise level, without guidance."""
    return Timeline(tuple(start - start * i / steps for i in range(steps + 1)), guidance=1.0)


def test_the_line_of_a_run_knows_guidance_and_how_many_steps_a_whole_run_had() -> None:
    assert line_of(evenly(8), 3.0) == Line(closer=3.0, guidance=1.0, steps=8.0)
    assert line_of(replace(evenly(8), guidance=None), 0.0).guidance == 4.0
    assert line_of(replace(evenly(8), guidance=0.0), 0.0).guidance == 1.0
    part = change_done((0.5, 0.0), True)
    assert line_of(evenly(8, start=0.5), 0.0).steps == pytest.approx(8 / (part[1] - part[0]))
    assert line_of(Timeline((1.0, 0.0), guidance=1.0), 0.0).steps == 1.0


def test_a_whole_run_of_a_model_whose_noise_is_added_is_no_part() -> None:
    added = Timeline((14.6, 3.0, 0.8, 0.2, 0.0), mixed=False, guidance=1.0, sigma_of_share=lambda share: 14.6)
    assert line_of(added, 0.0).steps == pytest.approx(4.0)
    assert line_of(replace(added, sigmas=(3.0, 0.8, 0.2, 0.1, 0.0)), 0.0).steps > 5.0


def test_a_gap_tells_more_than_was_expected() -> None:
    known = rates()
    known.learn(3, 7, [100 * (4 / 39) ** 6, (4 / 39) ** 6], alone=False)
    assert in_decibels(known.of_run(2)) == pytest.approx([NEWEST * told + (1 - NEWEST) * RATE for told in (20, 0)])
    assert known.of_next_gap(2) == known.of_run(2)


def test_a_first_step_that_surprises_tells_of_the_next_gap_alone() -> None:
    known = rates()
    known.look(1, [100 * CALM, CALM / 100])
    assert in_decibels(known.of_next_gap(0)) == pytest.approx([20 + MARGIN, RATE])
    assert in_decibels(known.of_run(2)) == pytest.approx([RATE] * 2)
    known.learn(1, 3, [0.0, 0.0], alone=False)
    assert known.of_next_gap(2) == known.of_run(2)
    known.look(4, [100 * CALM, CALM])
    assert known.of_next_gap(2) == known.of_run(2)


def test_a_gap_behind_the_first_step_alone_tells_of_the_next_one() -> None:
    known, evaluated_twice = rates(), rates()
    known.learn(0, 4, [ONE_STEP**2 * 100 * (4 / 39) ** 6], alone=True)
    evaluated_twice.learn(0, 4, [100 * (4 / 39) ** 6], alone=False)
    assert in_decibels(evaluated_twice.of_next_gap(1)) == pytest.approx([20])
    assert in_decibels(known.of_next_gap(1)) == pytest.approx([20], abs=0.1)
    assert in_decibels(known.of_run(1)) == pytest.approx([RATE])
    assert pytest.approx(-20 * math.log10(ONE_STEP), abs=0.1) == ALONE


@pytest.mark.parametrize("unusable", [math.nan, math.inf])
def test_what_is_no_number_tells_nothing(unusable: float) -> None:
    known = rates()
    known.look(1, [unusable])
    assert known.of_next_gap(1) == known.of_run(1)


@pytest.mark.parametrize("step", [20, 39])
def test_in_the_second_half_a_gap_has_to_tell(step: int) -> None:
    known = rates()
    known.look(3, [CALM * 1e6])
    assert known.of_next_gap(1) > known.of_run(1)
    known.look(step, [CALM * 1e6])
    assert known.of_next_gap(1) == known.of_run(1)


def test_where_every_step_surprises_the_first_gap_is_behind_half_of_the_curve() -> None:
    full = full_steps(300.0)
    first = next(step for step in range(40) if step not in full)
    half = next(step for step, height in enumerate(by_change(SIGMAS[:-1], True)) if height >= EARLY)
    assert half <= first <= half + 2 and len(full) < 30


def test_where_noise_is_drawn_anew_a_surprise_tells_nothing() -> None:
    known = rates()
    known.expect_noise(0.2)
    known.look(1, [CALM * 1e6])
    assert known.of_next_gap(1) == known.of_run(1)
    assert full_steps(90.0, renewed=0.2, guidance=1.0) == full_steps(0.0, renewed=0.2, guidance=1.0)


def test_a_run_that_drifts_fast_at_first_skips_later_and_no_less_after_that() -> None:
    calm, fast = full_steps(0.0), full_steps(50.0)
    assert (calm[:3], fast[:3]) == ([0, 1, 3], [0, 1, 2])
    gaps, later = ([after - before for before, after in pairwise(full)] for full in (calm, fast))
    assert max(later) >= max(gaps) and len(fast) <= len(calm) + 1
    assert full_steps(10.0) == calm


def test_the_picture_of_a_batch_that_surprises_most_decides() -> None:
    assert full_steps(50.0, batch=3) == full_steps(50.0) != full_steps(0.0)


@pytest.mark.parametrize("most", [3, 5, 8])
def test_a_limit_is_kept_where_first_steps_surprise(most: int) -> None:
    full = full_steps(60.0, most)
    assert len(full) <= most and full[-1] == 39
