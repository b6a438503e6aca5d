"""Which candidates a pool brings to a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.pool import Pool, taylor_pool
from tap_pack.tap_core.predictors.taylor import Taylor
from tap_pack.tap_core.timeline import Timeline

from trajectories import even_timeline

PAPER = taylor_pool([0, 1, 2], -4, 0, 1)
SPACINGS = st.lists(st.integers(1, 9), min_size=1, max_size=3)


def past_of(gaps: Sequence[int]) -> list[float]:
    """Positions newest first with these gaps, the newest one first too."""
    positions = [30.0]
    for gap in gaps:
        positions.append(positions[-1] - gap)
    return positions


def test_the_papers_pool_has_fifteen_members_lowest_order_and_nearest_horizon_first() -> None:
    assert [(p.order, p.horizon) for p in PAPER.predictors] == [(m, -d) for m in (0, 1, 2) for d in range(5)]
    assert PAPER.snapshots == 3


@pytest.mark.parametrize(("ahead", "distinct"), [(1, 9), (2, 9), (3, 9), (4, 9), (5, 11), (7, 11)])
def test_of_fifteen_members_nine_or_eleven_differ(ahead: int, distinct: int) -> None:
    assert len(PAPER.candidates([12, 7, 2], 12 + ahead, even_timeline(50)).weights) == distinct


@given(SPACINGS, st.integers(1, 9), st.sampled_from(["step", "sigma"]))
def test_rows_are_distinct_and_sum_to_one(gaps: list[int], ahead: int, axis: str) -> None:
    past = past_of(gaps)
    candidates = taylor_pool([0, 1, 2, 3], -8, 4, 0.5).candidates(past, 30 + ahead, even_timeline(60, axis))
    assert len({tuple(round(w, 9) for w in row) for row in candidates.weights}) == len(candidates.weights)
    for row in candidates.weights:
        assert len(row) == len(past)
        assert math.fsum(row) == pytest.approx(1, abs=1e-6)


@given(SPACINGS, st.integers(1, 9))
def test_a_row_stands_for_the_first_member_that_has_it(gaps: list[int], ahead: int) -> None:
    past, timeline = past_of(gaps), even_timeline(60)
    candidates = PAPER.candidates(past, 30 + ahead, timeline)
    assert candidates.members == sorted(candidates.members)
    every = [predictor.weights(past, 30 + ahead, timeline) for predictor in PAPER.predictors]
    for row, member in zip(candidates.weights, candidates.members, strict=True):
        assert member == next(i for i, other in enumerate(every) if other == pytest.approx(row))


def test_no_row_of_the_pool_is_lost() -> None:
    past, timeline = [12.0, 7.0, 2.0], even_timeline(50)
    kept = PAPER.candidates(past, 17, timeline).weights
    for predictor in PAPER.predictors:
        assert any(predictor.weights(past, 17, timeline) == pytest.approx(row) for row in kept)


def test_one_predictor_is_one_candidate_with_its_own_row() -> None:
    timeline = even_timeline(50)
    candidates = Pool((Taylor(2, -1.0),)).candidates([12, 7, 2], 15, timeline)
    assert candidates.weights == [Taylor(2, -1.0).weights([12, 7, 2], 15, timeline)]


def test_after_one_full_step_only_the_repeat_is_left() -> None:
    candidates = PAPER.candidates([0], 3, even_timeline(50))
    assert (candidates.weights, candidates.members) == ([[1.0]], [0])


@pytest.mark.parametrize(
    ("span", "step", "count"), [((-4, 0), 0.1, 41), ((-4, 0), 0.5, 9), ((0, 0), 1, 1), ((-1, 1), 2, 2)]
)
def test_the_horizon_range_includes_both_ends(span: tuple[int, int], step: float, count: int) -> None:
    horizons = [p.horizon for p in taylor_pool([1], *span, step).predictors]
    assert len(horizons) == count
    assert (min(horizons), max(horizons)) == pytest.approx(span)


def test_a_plateau_of_sigmas_falls_back_to_steps_instead_of_dividing_by_zero() -> None:
    plateau = Timeline((1.0, 0.5, 0.5, 0.4, 0.3, 0.0), "sigma")
    stepwise = Timeline(plateau.sigmas, "step")
    assert PAPER.candidates([2, 1], 4, plateau) == PAPER.candidates([2, 1], 4, stepwise)


def test_an_empty_pool_says_what_to_do() -> None:
    with pytest.raises(TapError, match="choose at least one order"):
        Pool(())
