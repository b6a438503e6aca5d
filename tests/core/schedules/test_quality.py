"""Quality: full steps follow from what the gaps drifted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from tap_pack.tap_core.closeness import Line
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.drifts import ONE_STEP
from tap_pack.tap_core.schedule import Seen
from tap_pack.tap_core.schedules.drift_rates import RATE, RATE_GUIDED
from tap_pack.tap_core.schedules.placed import by_change, change_done, place
from tap_pack.tap_core.schedules.quality import (
    ALL_NOISE_ANEW,
    MOST_ANYWAY,
    NOISE_AND_LIMIT,
    QualitySchedule,
)
from tap_pack.tap_core.timeline import Timeline

SIGMAS = tuple(1 - i / 40 for i in range(41))
# What a gap as long as the run is expected to drift, in dB, by guidance.
EXPECTED = {1.0: RATE, 4.0: RATE + 2 * RATE_GUIDED}
Drift = Callable[[float], float]  # from the length of a gap, as a share of the run, to its squared drift


def cubic(decibels: float) -> Drift:
    """Gaps that drift with the third power of their length; one as long as the run drifts by so many dB."""
    return lambda length: 10 ** (decibels / 10) * length**6


def run(
    schedule: QualitySchedule, drift: Drift, batch: Sequence[float] = (1.0,), sigmas: Sequence[float] = SIGMAS,
    guidance: float | None = 1.0, renewed: float | None = None, evaluations: int = 1, turned: float = 0.0,
) -> tuple[list[int], float, str]:
    """Full steps, the whole squared drift of the picture that drifts most, and what was said."""
    course = schedule.start(Timeline(tuple(sigmas), guidance=guidance))
    steps, full, total, latest = len(sigmas) - 1, [], [0.0] * len(batch), None
    heights = by_change(sigmas[:-1], True)
    for step in range(steps):
        for turn in range(evaluations):
            if step + turn == 1:
                course.foresee(renewed or 0.0)
            seen = Seen(float(step), sigmas[step])
            if not course.before(seen).full:
                course.after(seen)
                continue
            if full and step > full[-1] + 1:
                counts = ONE_STEP**2 if full == [0] else 1.0
                latest = [factor * counts * drift(abs(heights[step] - heights[full[-1]])) for factor in batch]
                total = [one + other for one, other in zip(total, latest, strict=True)]
            full += [step] * (step not in full)
            seen.full, seen.whole, seen.twice = True, True, evaluations - 1.0
            seen.drifts = torch.tensor([total, latest]) if latest else None
            seen.renewed = None if renewed is None or step == 0 else torch.tensor(renewed)
            seen.turned = torch.tensor(turned)
            course.after(seen)
    return full, max(total), course.said


@pytest.mark.parametrize("decibels", [28.0, 35.0, 42.0, 50.0])
@pytest.mark.parametrize(("rate", "guidance"), [(-5.0, 1.0), (4.0, 1.0), (10.0, 1.0), (16.0, 4.0), (27.0, 4.0)])
def test_the_wish_is_met_and_not_overspent(decibels: float, rate: float, guidance: float) -> None:
    full, total, _ = run(QualitySchedule(decibels), cubic(rate), guidance=guidance)
    reached = Line().closeness(total).decibels
    # Gaps are whole steps; where two steps are already too much, every step is full.
    assert decibels - 3.5 <= reached
    # Gaps stay alike, so a run that drifts less than expected saves little.
    expected = run(QualitySchedule(decibels), cubic(EXPECTED[guidance]), guidance=guidance)[0]
    assert reached <= decibels + 9 or (rate < EXPECTED[guidance] and len(full) <= len(expected))


@pytest.mark.parametrize("rate", [-20.0, -5.0, 0.0])
@pytest.mark.parametrize("decibels", [28.0, 35.0, 42.0, 50.0])
def test_full_steps_lie_where_a_fixed_number_would_lie(decibels: float, rate: float) -> None:
    # Gaps stay alike, however little they drift.
    full, _, _ = run(QualitySchedule(decibels), cubic(rate))
    assert full == place(by_change(SIGMAS[:-1], True), len(full))


def test_single_steps_are_skipped_about_where_a_fixed_number_would_skip_them() -> None:
    full, _, _ = run(QualitySchedule(42), cubic(10.0), sigmas=SIGMAS[::2], guidance=4.0)
    fixed = place(by_change(SIGMAS[:-1:2], True), len(full))
    first, wished = (next(step for step in range(20) if step not in steps) for steps in (full, fixed))
    assert abs(first - wished) <= 1 and first > 3 and 12 < len(full) < 17


def test_a_sampler_that_draws_some_noise_anew_is_expected_to_drift_more() -> None:
    without, some, more = (run(QualitySchedule(35), cubic(0.0), renewed=share)[0] for share in (0.05, 0.15, 0.4))
    assert some == more and len(some) > 1.5 * len(without)


def test_a_closer_wish_takes_more_steps() -> None:
    counts = [len(run(QualitySchedule(decibels), cubic(10.0))[0]) for decibels in (28, 35, 42, 50)]
    assert counts == sorted(set(counts))


def test_more_drift_takes_more_steps() -> None:
    counts = [len(run(QualitySchedule(42), cubic(rate))[0]) for rate in (4, 12, 20, 28)]
    assert counts == sorted(set(counts))
    assert len(run(QualitySchedule(42), cubic(-20.0))[0]) <= counts[0]


def test_first_and_last_step_are_full() -> None:
    full, _, _ = run(QualitySchedule(28), cubic(-20.0))
    assert (full[0], full[-1]) == (0, 39) and len(full) < 10


def test_where_the_first_step_is_not_foreseen_the_second_is_full() -> None:
    course = QualitySchedule(28).start(Timeline(SIGMAS, guidance=1.0))
    for step in range(3):
        seen = Seen(float(step), SIGMAS[step])
        seen.full = seen.whole = course.before(seen).full
        assert seen.full == (step < 2)
        course.after(seen)


def test_stronger_guidance_starts_with_shorter_gaps() -> None:
    first = [run(QualitySchedule(35), cubic(5.0), guidance=guidance)[0][1] for guidance in (1.0, 2.0, 5.0)]
    assert first == sorted(first, reverse=True) and first[0] > first[-1]
    unknown, four = (run(QualitySchedule(35), cubic(5.0), guidance=guidance)[0] for guidance in (None, 4.0))
    assert unknown == four


@pytest.mark.parametrize("sigmas", [SIGMAS[:21], SIGMAS[20:]])
@pytest.mark.parametrize(("guidance", "most"), [(1.0, 5), (4.0, 8)])
def test_a_part_of_a_run_is_expected_to_drift_less(sigmas: Sequence[float], guidance: float, most: int) -> None:
    # The first half of the steps, as of the first of two models, and the second, as of a picture that is drawn anew.
    start, end = change_done((sigmas[0], sigmas[-1]), True)
    rate = EXPECTED[guidance] + 60 * math.log10(end - start)
    full, total, said = run(QualitySchedule(35), cubic(rate), sigmas=sigmas, guidance=guidance)
    assert len(full) <= most and said == ""
    assert Line().closeness(total).decibels >= 32


def test_the_picture_of_a_batch_that_drifts_most_decides() -> None:
    alone, _, _ = run(QualitySchedule(42), cubic(20.0))
    assert run(QualitySchedule(42), cubic(20.0), batch=(1e-3, 1.0, 0.1))[0] == alone


def test_a_sampler_that_makes_more_of_a_drift_may_drift_less() -> None:
    calm, turned = (run(QualitySchedule(42), cubic(4.0), turned=share) for share in (0.05, 0.6))
    assert len(turned[0]) > len(calm[0]) and turned[1] < calm[1] / 3


@pytest.mark.parametrize("most", [3, 5, 10, 39])
def test_a_limit_is_kept_and_used(most: int) -> None:
    full, _, _ = run(QualitySchedule(60, most), cubic(30.0))
    assert most - 2 <= len(full) <= most and full[-1] == 39


@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize("steps", [2, 3, 4, 40])
@pytest.mark.parametrize("foreseen", [True, False])
def test_no_more_steps_are_computed_than_a_limit_allows(most: int, steps: int, foreseen: bool) -> None:
    sigmas = tuple(1 - i / steps for i in range(steps + 1))
    course, full = QualitySchedule(60, most).start(Timeline(sigmas, guidance=4.0)), []
    assert course.skips_any == (steps > min(most, 3))
    for step in range(steps):
        for turn in range(2):  # a sampler that evaluates each step twice
            if foreseen and step + turn == 1:
                course.foresee(0.0)
            seen = Seen(float(step), sigmas[step])
            seen.full = seen.whole = course.before(seen).full
            full += [step] * (seen.full and step not in full)
            course.after(seen)
    assert len(full) == min(most, steps) and full[0] == 0
    assert most == 1 or full[-1] == steps - 1


def test_where_the_wish_takes_less_the_limit_changes_nothing() -> None:
    wished, _, _ = run(QualitySchedule(28), cubic(0.0))
    assert run(QualitySchedule(28, 30), cubic(0.0))[0] == wished


def test_evaluations_of_a_step_are_decided_alike() -> None:
    full, _, _ = run(QualitySchedule(35), cubic(5.0), evaluations=2)
    assert 2 < len(full) < 40


def test_a_step_that_was_computed_in_part_is_no_full_step() -> None:
    course = QualitySchedule(28).start(Timeline(SIGMAS, guidance=1.0))
    course.foresee(0.0)
    full = []
    for step in range(12):
        seen = Seen(float(step), SIGMAS[step])
        seen.whole = course.before(seen).full
        seen.full = seen.whole or step == 3  # a prompt that came in mid-run is computed
        full += [step] * seen.whole
        seen.drifts = torch.full((2, 3), 1e-4) if seen.whole and len(full) > 1 else None
        course.after(seen)
    assert 3 not in full and len(full) > 1


def test_what_is_not_a_number_is_answered_by_full_steps() -> None:
    full, _, _ = run(QualitySchedule(28), lambda length: math.nan)
    assert full == [0, *range(full[1], 40)]


def test_a_sampler_that_draws_all_noise_anew_is_computed_in_full_and_told() -> None:
    full, _, said = run(QualitySchedule(28), cubic(0.0), renewed=1.0)
    assert full == list(range(40)) and said == ALL_NOISE_ANEW
    assert run(QualitySchedule(28), cubic(0.0), renewed=0.3)[2] == ""
    limited, _, said = run(QualitySchedule(28, 6), cubic(0.0), renewed=1.0)
    assert len(limited) <= 6 and said == NOISE_AND_LIMIT
    assert run(QualitySchedule(28, 6), cubic(0.0), renewed=0.3)[2] == ""
    for no_limit in (40, 50):
        assert run(QualitySchedule(28, no_limit), cubic(0.0), renewed=1.0)[::2] == (list(range(40)), ALL_NOISE_ANEW)


@pytest.mark.parametrize("decibels", [28.0, 42.0, 50.0])
def test_where_all_noise_is_new_that_is_the_reason_that_is_told(decibels: float) -> None:
    full, _, said = run(QualitySchedule(decibels), cubic(0.0), sigmas=SIGMAS[::2], renewed=0.9)
    assert full == list(range(20)) and said == ALL_NOISE_ANEW


def test_a_part_of_a_run_under_fresh_noise_is_expected_to_drift_less() -> None:
    part, whole = (run(QualitySchedule(35), cubic(0.0), sigmas=sigmas, renewed=0.2)[0]
                   for sigmas in (SIGMAS[20:], tuple(1 - i / 20 for i in range(21))))
    assert len(part) < len(whole) == 20


def test_fresh_noise_is_expected_to_drift_more_where_nothing_is_foreseen() -> None:
    counts = []
    for share in (0.0, 0.2):
        course, full = QualitySchedule(35).start(Timeline(SIGMAS, guidance=1.0)), 0
        for step in range(40):
            seen = Seen(float(step), SIGMAS[step])
            seen.full = seen.whole = course.before(seen).full
            seen.renewed = torch.tensor(share) if step else None
            full += seen.full
            course.after(seen)
        counts.append(full)
    assert counts[1] > 1.5 * counts[0]


def test_that_nearly_all_steps_were_computed_is_not_said_where_none_is_left() -> None:
    assert run(QualitySchedule(28), cubic(0.0), sigmas=(1.0, 0.5, 0.0), guidance=6.0)[2] == ""
    full, _, said = run(QualitySchedule(37), cubic(12.0), sigmas=tuple(1 - i / 12 for i in range(13)))
    assert len(full) < 12 and said == ""


def test_where_nearly_all_steps_would_be_computed_all_are_and_it_is_told() -> None:
    few = tuple(1 - i / 20 for i in range(21))
    beforehand, _, said = run(QualitySchedule(42), cubic(0.0), sigmas=few, guidance=6.0)
    assert beforehand == list(range(20)) and said == MOST_ANYWAY
    in_the_run, _, said = run(QualitySchedule(42), cubic(35.0), sigmas=few)
    assert in_the_run[-10:] == list(range(10, 20)) and len(in_the_run) < 20 and said == MOST_ANYWAY
    worth_it, _, said = run(QualitySchedule(42), cubic(0.0), sigmas=few)
    assert len(worth_it) < 12 and said == ""
    limited, _, said = run(QualitySchedule(42, 8), cubic(35.0), sigmas=few)
    assert len(limited) <= 8 and said == ""


def test_sigmas_that_rise_are_run_through_at_equal_distances() -> None:
    full, _, _ = run(QualitySchedule(28), cubic(0.0), sigmas=SIGMAS[::-1])
    assert full[-1] == 39 and 3 < len(full) < 20


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8])
def test_short_runs(steps: int) -> None:
    sigmas = tuple(1 - i / steps for i in range(steps + 1))
    full, _, _ = run(QualitySchedule(28), cubic(0.0), sigmas=sigmas)
    assert full[0] == 0 and full[-1] == steps - 1


def test_a_limit_below_zero_is_told() -> None:
    with pytest.raises(TapError, match="most_computed is -1; set it to 0"):
        QualitySchedule(42, -1)
