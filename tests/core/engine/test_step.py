"""One step of Algorithm 1: what is remembered, what is forecast, and by which predictor."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.engine.history import History
from tap_pack.tap_core.engine.scoring import PROXY_LOSSES
from tap_pack.tap_core.engine.step import Forecast, full_step, skipped_step
from tap_pack.tap_core.predictors.pool import Pool, taylor_pool
from tap_pack.tap_core.predictors.taylor import Taylor
from torch import Tensor

from trajectories import Path, even_timeline, history_of, noise, polynomial

PAPER = taylor_pool([0, 1, 2], -4, 0, 1)
SHAPE = (2, 12, 16)


def curve(order: int, axis: str = "step", seed: int = 0, scale: float = 0.1) -> Path:
    """A polynomial trajectory of all tokens on a time axis."""
    coefficients = [noise(SHAPE, seed + i) * scale**i for i in range(order + 1)]
    return polynomial(coefficients, even_timeline(50, axis))


def forecast(
    history: History, position: float, probe: Tensor, pool: Pool = PAPER, axis: str = "step", loss: str = "cosine"
) -> Forecast:
    return skipped_step(history, position, probe, pool, even_timeline(50, axis), loss)


def test_a_full_step_is_remembered_as_it_was() -> None:
    history, probe, target = History(3), noise(SHAPE, 0), noise(SHAPE, 1)
    full_step(history, 4.0, probe, target)
    assert history.positions == [4.0]
    assert history.probes[0] is probe
    assert history.targets[0] is target


@pytest.mark.parametrize("predictor", [Taylor(0), Taylor(1), Taylor(2), Taylor(2, -3.0), Taylor(3, 1.0)])
@pytest.mark.parametrize("axis", ["step", "sigma"])
def test_with_one_candidate_the_forecast_is_that_predictors(predictor: Taylor, axis: str) -> None:
    past, target = [17, 12, 7, 2], curve(3, axis, seed=9)
    made = forecast(history_of(past, curve(2), target), 20, curve(2)(20), Pool((predictor,)), axis)
    row = predictor.weights(past, 20, even_timeline(50, axis))
    expected = sum(weight * target(p) for weight, p in zip(row, past, strict=True))
    torch.testing.assert_close(made.target.double(), expected, rtol=1e-5, atol=1e-5)
    assert made.choice.unique().tolist() == [0]


@pytest.mark.parametrize("loss", PROXY_LOSSES)
@pytest.mark.parametrize("axis", ["step", "sigma"])
def test_a_straight_trajectory_is_forecast_exactly_by_the_true_distance(axis: str, loss: str) -> None:
    probe, target = curve(1, axis), curve(1, axis, seed=9)
    made = forecast(history_of([12, 7, 2], probe, target), 15, probe(15), axis=axis, loss=loss)
    torch.testing.assert_close(made.target.double(), target(15), rtol=1e-4, atol=1e-4)
    assert {PAPER.predictors[i].order for i in made.choice.flatten().tolist()} <= {1, 2}
    assert made.loss.max() < 1e-5


@pytest.mark.parametrize("loss", PROXY_LOSSES)
def test_every_token_is_forecast_by_the_candidate_that_suits_its_probe(loss: str) -> None:
    """Each token's true probe is made to be one candidate's forecast, another for each token."""
    timeline, past, target = even_timeline(50), [12, 7, 2], curve(2, seed=9)
    history = history_of(past, curve(2), target)
    candidates = PAPER.candidates(past, 17, timeline)
    wanted = torch.arange(24).view(2, 12) % len(candidates.weights)
    share = torch.tensor(candidates.weights, dtype=torch.float64)[wanted]  # [2, 12, 3]
    made = forecast(history, 17, torch.einsum("bnk,kbnd->bnd", share, torch.stack(history.probes)), loss=loss)
    assert made.choice.tolist() == [[candidates.members[i] for i in row] for row in wanted.tolist()]
    expected = torch.einsum("bnk,kbnd->bnd", share, torch.stack(history.targets))
    torch.testing.assert_close(made.target.double(), expected, rtol=1e-4, atol=1e-4)


def test_a_token_that_does_not_move_is_repeated_although_all_forecast_it_well() -> None:
    def still(position: float) -> Tensor:
        return noise(SHAPE, 0)

    made = forecast(history_of([12, 7, 2], still), 15, still(15))
    assert made.choice.unique().tolist() == [0]
    torch.testing.assert_close(made.target.double(), still(15), rtol=1e-6, atol=1e-6)


def test_a_probe_with_nan_is_forecast_by_the_first_candidate() -> None:
    probe, past = curve(1), [12, 7, 2]
    now = probe(15)
    now[1, 3] = torch.nan
    made = forecast(history_of(past, probe), 15, now)
    assert made.choice[1, 3] == 0
    assert made.loss[1, 3] == torch.inf
    torch.testing.assert_close(made.target[1, 3].double(), probe(12)[1, 3])
    assert made.target.isfinite().all()


def test_after_one_full_step_it_is_repeated() -> None:
    made = forecast(history_of([0], curve(1)), 1, curve(1)(1))
    torch.testing.assert_close(made.target.double(), curve(1)(0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_forecast_has_the_targets_dtype_and_the_loss_single_precision(dtype: torch.dtype) -> None:
    def path(position: float) -> Tensor:
        return curve(1)(position).to(dtype)

    made = forecast(history_of([7, 2, 1], path), 9, path(9))
    assert (made.target.dtype, made.loss.dtype) == (dtype, torch.float32)


def test_a_target_may_have_other_channels_than_the_probe() -> None:
    made = forecast(history_of([7, 2, 1], curve(1), lambda p: curve(1)(p)[..., :3]), 9, curve(1)(9))
    assert made.target.shape == (2, 12, 3)


def test_a_probe_cut_out_of_a_longer_sequence_gives_the_same_forecast() -> None:
    longer = torch.cat([noise((2, 5, 16), 5), curve(1)(9)], dim=1)
    history = history_of([7, 2, 1], curve(1))
    cut, own = forecast(history, 9, longer[:, 5:]), forecast(history, 9, longer[:, 5:].clone())
    assert torch.equal(cut.target, own.target)
