"""Taylor's weight rows against TaylorSeer's recursion, written here a second time from its description."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tap_pack.tap_core.engine.history import History, Snapshot
from tap_pack.tap_core.predictors.taylor import Taylor
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from torch import Tensor

from trajectories import even_timeline

STEPS = 30
POSITIONS = st.lists(st.floats(0, 50), min_size=1, max_size=4, unique_by=lambda p: round(p, 1)).map(
    lambda positions: sorted((round(p, 1) for p in positions), reverse=True)
)


class TaylorSeer:
    """The recursion that keeps factors, not snapshots: each full step divides all differences by the latest gap."""

    def __init__(self, order: int, warmup: int) -> None:
        self.order, self.warmup = order, warmup
        self.factors: list[Tensor] = []
        self.activated = 0

    def update(self, step: int, feature: Tensor) -> None:
        gap, before = step - self.activated, self.factors
        self.activated, self.factors = step, [feature]
        for i in range(self.order):
            if i < len(before) and step > self.warmup - 2:
                self.factors.append((self.factors[i] - before[i]) / gap)

    def forecast(self, step: int) -> Tensor:
        x = step - self.activated
        return sum(factor * x**i / math.factorial(i) for i, factor in enumerate(self.factors))


def is_full(step: int, interval: int, warmup: int) -> bool:
    return step < warmup or (step - warmup + 1) % interval == 0


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("warmup", [1, 2, 3, 4])
@pytest.mark.parametrize("interval", [2, 3, 5, 6])
def test_rows_equal_taylorseers_ladder_through_warm_up_and_after(order: int, warmup: int, interval: int) -> None:
    timeline, schedule = even_timeline(STEPS), IntervalSchedule(interval, warmup)
    theirs, ours, skipped = TaylorSeer(order, warmup), History(order + 1), 0
    one_hot = torch.eye(STEPS, dtype=torch.float64)  # a feature that names its step shows the weight of that step
    for step in range(STEPS):
        decision = schedule.decide(step, timeline)
        assert decision.full == is_full(step, interval, warmup)
        if decision.full:
            theirs.update(step, one_hot[step])
            if decision.remember:
                ours.push(Snapshot(step, one_hot[step].view(1, 1, -1), one_hot[step].view(1, 1, -1)))
            continue
        row = Taylor(order).weights(ours.positions, step, timeline)
        mine = sum(weight * one_hot[int(position)] for weight, position in zip(row, ours.positions, strict=True))
        torch.testing.assert_close(mine, theirs.forecast(step), rtol=0, atol=1e-12)
        skipped += 1
    assert skipped > 5


@pytest.mark.parametrize(
    ("past", "expected"),
    [([2, 1], [4, -3]), ([7, 2, 1], [1.78, -1.68, 0.9]), ([12, 7, 2], [1.78, -0.96, 0.18])],
)
def test_order_two_three_steps_ahead_is_what_pencil_and_paper_give(
    past: Sequence[float], expected: Sequence[float]
) -> None:
    assert Taylor(2).weights(past, past[0] + 3, even_timeline(50)) == pytest.approx(expected, abs=1e-12)


@given(POSITIONS, st.integers(0, 3), st.floats(-8, 4), st.sampled_from(["step", "sigma"]))
def test_weights_sum_to_one(past: list[float], order: int, horizon: float, axis: str) -> None:
    row = Taylor(order, horizon).weights(past, past[0] + 2, even_timeline(60, axis))
    assert len(row) == len(past)
    assert math.fsum(row) == pytest.approx(1, abs=1e-9 * max(1, *map(abs, row)))


@given(POSITIONS, st.floats(-8, 4))
def test_order_zero_repeats_the_newest_snapshot(past: list[float], horizon: float) -> None:
    assert Taylor(0, horizon).weights(past, past[0] + 3, even_timeline(60)) == [1, *[0] * (len(past) - 1)]


@given(POSITIONS, st.integers(0, 3))
def test_a_horizon_back_at_the_newest_full_step_repeats_it(past: list[float], order: int) -> None:
    row = Taylor(order, -3).weights(past, past[0] + 3, even_timeline(60))
    assert row == pytest.approx([1, *[0] * (len(past) - 1)], abs=1e-6)


@given(st.floats(-5, 5), st.floats(-5, 5), POSITIONS.filter(lambda p: len(p) > 1), st.sampled_from(["step", "sigma"]))
def test_order_one_is_exact_on_a_straight_line(start: float, slope: float, past: list[float], axis: str) -> None:
    timeline, asked = even_timeline(60, axis), past[0] + 4
    row = Taylor(1).weights(past, asked, timeline)
    seen = [start + slope * timeline.coordinate(p) for p in past]
    expected = start + slope * timeline.coordinate(asked)
    assert math.fsum(w * s for w, s in zip(row, seen, strict=True)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_an_order_is_exact_on_the_trajectory_that_its_ladder_reproduces(order: int) -> None:
    """Where the i-th backward difference over the gap is constant, i = order, the ladder is exact."""
    gap, count = 5, 8
    differences = [2.0, -1.0, 0.5, 0.25][: order + 1]
    series = [sum(d * math.comb(n, i) for i, d in enumerate(differences)) for n in range(count)]
    past = [gap * n for n in reversed(range(count - order - 1, count))]
    seen = [series[p // gap] for p in past]
    ladder = [sum((-1) ** j * math.comb(i, j) * seen[j] for j in range(i + 1)) / gap**i for i in range(order + 1)]
    for ahead in (1, 2, 3, 4):
        row = Taylor(order).weights(past, past[0] + ahead, even_timeline(60))
        expected = sum(d * ahead**i / math.factorial(i) for i, d in enumerate(ladder))
        assert math.fsum(w * s for w, s in zip(row, seen, strict=True)) == pytest.approx(expected, rel=1e-12)


def test_on_the_sigma_axis_the_distance_is_the_change_in_sigma() -> None:
    timeline = even_timeline(10, "sigma")
    assert Taylor(1).weights([2, 0], 5, timeline) == pytest.approx([2.5, -1.5])
    assert timeline.coordinate(2) == pytest.approx(0.8)


def test_with_a_short_history_the_highest_order_that_it_allows_is_used() -> None:
    timeline = even_timeline(50)
    assert Taylor(3).weights([2, 1], 5, timeline) == Taylor(1).weights([2, 1], 5, timeline)
    assert Taylor(2).weights([2], 5, timeline) == [1]


def test_a_lower_order_gives_the_older_snapshots_no_weight() -> None:
    assert Taylor(1).weights([12, 7, 2], 15, even_timeline(50))[2] == 0
