"""Learned weights: their algebra, what they are learned from, and where other predictors stand in for them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.calibrate.fitted_numbers import Changes
from tap_pack.tap_core.calibrate.learned_rows import guided_slope, learned_weights
from tap_pack.tap_core.calibrate.trace import ConditionTrace, Trace
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.learned import HIGHEST, Learned, LearnedWeights, Otherwise, row
from tap_pack.tap_core.predictors.newton import Newton
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.timeline import Timeline

STEPS, FULL = 20, (0, 1, 3, 7, 12, 19)
SIGMAS = tuple(1 - i / STEPS for i in range(STEPS + 1))
RUN, OTHER_RUN = Timeline(SIGMAS), Timeline(tuple(1 - i / 25 for i in range(26)))
WEIGHTS = LearnedWeights(SIGMAS, FULL, tuple((0.1 * i, -0.2, 0.3, 0.05 * i) for i in range(len(FULL))))
LEARNED = Learned(WEIGHTS)
PASTS = [[12.0, 7.0, 3.0], [7.0, 3.0, 1.0], [3.0, 1.0, 0.0]]


def made_trace(curves: list[torch.Tensor], full: tuple[int, ...] = (), shares: tuple[float, ...] = (1.0,)) -> Trace:
    """A run whose conditions' targets follow these curves [T, N, C]."""
    conditions = tuple(ConditionTrace(share, curve, curve, Changes(), ()) for share, curve in
                       zip(shares, curves, strict=True))
    return Trace("Flux", "output", SIGMAS, conditions, full=full)


def quadratic(seed: int) -> torch.Tensor:
    """A different parabola over the steps for every token and channel."""
    random = torch.Generator().manual_seed(seed)
    a, b, c = torch.randn(3, 6, 5, generator=random)
    steps = torch.arange(STEPS)[:, None, None] / STEPS
    return a + b * steps + c * steps**2


@pytest.mark.parametrize("past", [[0.0], [1.0, 0.0], *PASTS, [19.0, 12.0, 7.0], [7.0, 3.0, 1.0, 0.0]])
@pytest.mark.parametrize("ahead", [0.0, 0.5, 1.0, 2.0])
def test_weights_sum_to_one_and_begin_as_a_repeat(past: list[float], ahead: float) -> None:
    weights = LEARNED.weights(past, past[0] + ahead, RUN)
    assert len(weights) == len(past)
    assert sum(weights) == pytest.approx(1)
    assert not any(weights[3:])
    if ahead == 0:
        assert weights == [1.0, *[0.0] * (len(past) - 1)]


def test_the_row_follows_its_formula() -> None:
    assert row((1.0, 2.0, -3.0, 4.0), 0.5, 3) == pytest.approx([1 - 1.0 + 0.5, 1.0, -0.5])
    assert row((1.0, 2.0, -3.0, 4.0), 0.5, 2) == pytest.approx([0.0, 1.0])
    assert LEARNED.weights([7.0, 3.0, 1.0], 9.0, RUN) == pytest.approx(row(WEIGHTS.numbers[3], 2 / 5, 3))
    assert LEARNED.weights([19.0, 12.0, 7.0], 19.5, RUN) == pytest.approx(row(WEIGHTS.numbers[5], 0.5, 3))


@pytest.mark.parametrize("past", PASTS)
def test_learned_on_parabolas_they_are_newtons_polynomial(past: list[float]) -> None:
    learned = Learned(learned_weights([made_trace([quadratic(1)]), made_trace([quadratic(2)])], FULL))
    for position in range(int(past[0]) + 1, learned.learned.end_of(FULL.index(int(past[0])))):
        curve = quadratic(3)
        weights = learned.weights(past, float(position), RUN)
        forecast = sum(w * curve[int(p)] for w, p in zip(weights, past, strict=True))
        torch.testing.assert_close(forecast, curve[position], rtol=2e-3, atol=2e-3)
    if past[0] == 7:  # a gap long enough to tell all four numbers apart
        exact = Newton(2).weights(past, 9.0, RUN)
        assert learned.weights(past, 9.0, RUN) == pytest.approx(exact, rel=3e-2)


def test_they_make_the_error_of_each_step_and_of_all_together_small() -> None:
    """Against a plain least squares fit of all numbers at once."""
    random = torch.Generator().manual_seed(5)
    curves = [torch.randn(STEPS, 6, 5, generator=random) for _ in range(2)]
    sigmas = tuple(sigma**2 for sigma in SIGMAS)
    trace = replace(made_trace(curves, shares=(3.0, -2.0)), sigmas=sigmas)
    slope = 3 * curves[0].double() - 2 * curves[1].double()
    torch.testing.assert_close(guided_slope(trace), slope)
    rows, wanted, total, left = [], [], torch.zeros(30, 4 * len(FULL), dtype=torch.float64), torch.zeros(30)
    for gap, (newest, end) in enumerate(pairwise((*FULL, STEPS))):
        for step in range(newest + 1, end):
            length, columns = sigmas[step] - sigmas[step + 1], torch.zeros_like(total)
            for i, place in enumerate(reversed(FULL[max(gap - 2, 0) : gap])):
                for power in (1, 2):
                    share = ((step - newest) / (end - newest)) ** power
                    columns[:, 4 * gap + 2 * i + power - 1] = length * share * (slope[place] - slope[newest]).flatten()
            missing = length * (slope[step] - slope[newest]).flatten()
            total, left = total + columns, left + missing
            rows += [total, 10**0.5 * columns]
            wanted += [left, 10**0.5 * missing]
    design, wanted = torch.cat(rows), torch.cat(wanted)
    best = torch.linalg.lstsq(design, wanted, driver="gelsd").solution
    found = torch.tensor(learned_weights([trace], FULL).numbers, dtype=torch.float64).flatten()
    least = (design @ best - wanted).square().sum()
    assert (design @ found - wanted).square().sum() == pytest.approx(float(least), rel=1e-4)
    assert least < 0.9 * wanted.square().sum()


def left_by(numbers: tuple[tuple[float, ...], ...], seen: torch.Tensor, wanted: torch.Tensor) -> float:
    """What weights leave of the difference between the slopes that a run saw and those that are wanted."""
    total, left = 0, 0.0
    for gap, (newest, end) in enumerate(pairwise((*FULL, STEPS))):
        total = total + (seen[newest] - wanted[newest]) / STEPS
        for step in range(newest + 1, end):
            past = WEIGHTS.past_of(gap)
            weights = row(numbers[gap], (step - newest) / (end - newest), len(past))
            error = (sum(w * seen[p] for w, p in zip(weights, past, strict=True)) - wanted[step]) / STEPS
            total = total + error
            left += float(total.square().sum() + 10 * error.square().sum())
    return left


def test_on_a_run_that_skipped_they_lead_to_the_full_run_of_the_same_picture() -> None:
    """The skipping run saw something else: on that the weights give what the full run has."""
    whole, seen = quadratic(1), quadratic(1)
    seen[1:] += 0.1 * quadratic(2)[1:]
    other, skipping = made_trace([quadratic(4)]), made_trace([seen], FULL)
    learned = learned_weights([other, made_trace([whole]), skipping], FULL)
    assert learned == learned_weights([skipping, made_trace([whole])], FULL)
    assert learned != learned_weights([made_trace([whole])], FULL)
    before, after = (left_by(numbers, seen, whole) for numbers in
                     (learned_weights([made_trace([whole])], FULL).numbers, learned.numbers))
    assert after < 0.95 * before
    with pytest.raises(TapError, match="same prompt and seed"):
        learned_weights([other, skipping], FULL)


def test_a_run_that_skipped_is_measured_in_the_scale_of_its_full_run() -> None:
    """Each trace has its own change of the slope per change of the target; a run that skipped moves otherwise."""
    def moving(trace: Trace, by: float) -> Trace:
        condition = replace(trace.conditions[0], moved=(1.0,) * STEPS)
        return replace(trace, conditions=(condition,), moved=(by,) * STEPS)

    whole, skipping = made_trace([quadratic(1)]), made_trace([quadratic(1)], FULL)
    learned = learned_weights([moving(whole, 2.0), moving(skipping, 3.0)], FULL)
    same = learned_weights([moving(whole, 2.0), moving(skipping, 2.0)], FULL)
    assert learned == same


def test_a_run_that_skipped_counts_as_its_full_run_does_where_one_of_them_seemed_noisy() -> None:
    """Of auto, noise decides which half counts, and how much."""
    def auto(full: tuple[int, ...], noisy: bool) -> Trace:
        both = torch.cat([quadratic(1), quadratic(2)], dim=-1)
        return replace(made_trace([both], full), target="auto", noisy=noisy, mixed=False)

    same, other = (learned_weights([auto((), False), auto(FULL, noisy)], FULL) for noisy in (False, True))
    assert other == same


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_where_differences_are_rounding_the_numbers_stay_within_their_bounds(dtype: torch.dtype) -> None:
    """The slope stands still, and moves at the very end: its full steps before show no way there."""
    random = torch.Generator().manual_seed(1)
    still, moves = torch.randn(2, 1, 6, 5, generator=random)
    curve = still + 5 * moves * torch.exp(40 * (torch.arange(STEPS)[:, None, None] / STEPS - 0.9))
    learned = learned_weights([made_trace([(curve).to(dtype).float()])], FULL)
    assert max(abs(number) for gap in learned.numbers for number in gap) <= HIGHEST


def test_a_gap_without_steps_or_history_learns_nothing() -> None:
    learned = learned_weights([made_trace([quadratic(1)])], FULL)
    assert learned.numbers[0] == (0.0,) * 4  # nothing skipped, and one full step known
    assert learned.numbers[-1] == (0.0,) * 4  # the last step
    assert learned.numbers[1][2:] == (0.0, 0.0)  # two full steps known
    assert learned.numbers[1][0] != 0


@pytest.mark.parametrize(("past", "run"), [
    ([5.0, 3.0, 1.0], RUN), ([7.0, 2.0, 1.0], RUN), ([7.0, 3.0, 0.0], RUN), ([7.5, 3.0, 1.0], RUN),
    ([7.0, 3.0, 1.0], OTHER_RUN), ([7.0], RUN), ([7.0, 3.0], RUN),
])
def test_after_other_full_steps_and_in_other_runs_there_are_none(past: list[float], run: Timeline) -> None:
    assert LEARNED.weights(past, past[0] + 1, run) is None


def test_others_stand_in_where_there_are_none() -> None:
    pool, own = PoolSettings(learned=WEIGHTS).pool(), PoolSettings().pool()
    inside = pool.candidates([7.0, 3.0, 1.0], 9.0, RUN)
    assert inside.members == [0]
    assert inside.weights == [LEARNED.weights([7.0, 3.0, 1.0], 9.0, RUN)]
    for past, run in (([7.0, 2.0, 1.0], RUN), ([7.0, 3.0, 1.0], OTHER_RUN), ([7.0], RUN)):
        outside = pool.candidates(past, 9.0, run)
        assert outside.weights == own.candidates(past, 9.0, run).weights
        assert 0 not in outside.members
    names = {(member.family, member.order, member.horizon) for member in pool.members[1:]}
    assert names == {(member.family, member.order, member.horizon) for member in own.members}
    assert isinstance(pool.members[1], Otherwise)


def test_beside_others_they_are_one_more_candidate() -> None:
    beside = PoolSettings(learned=WEIGHTS, learned_beside=True)
    rows, own = beside.pool().candidates([7.0, 3.0, 1.0], 9.0, RUN), PoolSettings().pool()
    assert rows.weights == [LEARNED.weights([7.0, 3.0, 1.0], 9.0, RUN),
                            *own.candidates([7.0, 3.0, 1.0], 9.0, RUN).weights]
    assert str(beside).startswith("learned, 6 of 20 steps; beside taylor;")
    assert str(PoolSettings(learned=WEIGHTS)).startswith("learned, 6 of 20 steps; elsewhere taylor;")


def test_a_run_of_other_steps_is_told_so() -> None:
    assert LEARNED.note(RUN) == ""
    assert "Calibrate on this run" in LEARNED.note(OTHER_RUN)
