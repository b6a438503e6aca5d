"""How far forecasts are trusted: as far as earlier ones came true, token by token."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.engine.assemble import assemble
from tap_pack.tap_core.engine.history import History
from tap_pack.tap_core.engine.lineup import line_up
from tap_pack.tap_core.engine.selector import Choice
from tap_pack.tap_core.engine.trust import Trust
from tap_pack.tap_core.predictor import Moment
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings

from trajectories import even_timeline, noise

SHAPE = (2, 12, 4)


def test_nothing_is_known_at_first() -> None:
    assert Trust().share is None


@pytest.mark.parametrize("came_true", [0.0, 0.3, 1.0])
def test_the_share_is_how_much_of_the_change_came_true(came_true: float) -> None:
    newest, forecast = noise(SHAPE, 0), noise(SHAPE, 1)
    trust = Trust()
    trust.learn(newest, forecast, newest + came_true * (forecast - newest))
    assert trust.share is not None and trust.share.shape == SHAPE[:2]
    torch.testing.assert_close(trust.share, torch.full(SHAPE[:2], came_true), atol=1e-5, rtol=0)


def test_a_picture_takes_no_more_than_its_share_and_a_steady_one_takes_all() -> None:
    newest, forecast, trust = noise(SHAPE, 0), noise(SHAPE, 1), Trust()
    share, steady, tokens = torch.tensor([0.5, 1.0]), torch.tensor([0.0, 1.0]), torch.ones(*SHAPE[:2], 7)
    assert trust.held(share, steady, tokens).tolist() == [[0.5] * 12, [1.0] * 12]
    trust.learn(newest, forecast, newest + 0.3 * (forecast - newest))
    found = trust.held(share, steady, tokens)
    torch.testing.assert_close(found, torch.tensor([[0.15] * 12, [1.0] * 12]))
    assert trust.held(share, steady, tokens) is found
    # After the next full step of the sampler, and after the next one of the model.
    torch.testing.assert_close(trust.held(share / 5, 0 * steady, tokens), torch.tensor([[0.03] * 12, [0.06] * 12]))
    trust.learn(newest, forecast, forecast)
    assert trust.held(share, steady, tokens)[0, 0].item() == pytest.approx(0.5 * 0.65)


@pytest.mark.parametrize(("came_true", "share"), [(-2.0, 0.0), (3.0, 1.0)])
def test_it_stays_between_nothing_and_all(came_true: float, share: float) -> None:
    newest, forecast = noise(SHAPE, 0), noise(SHAPE, 1)
    trust = Trust()
    trust.learn(newest, forecast, newest + came_true * (forecast - newest))
    assert trust.share is not None and trust.share.unique().tolist() == [share]


def test_pictures_and_tokens_learn_apart() -> None:
    newest, change, worth = noise(SHAPE, 0), noise(SHAPE, 1), torch.rand(2, 12, 1)
    trust = Trust()
    trust.learn(newest, newest + change, newest + worth * change)
    torch.testing.assert_close(trust.share, worth[..., 0], atol=1e-5, rtol=0)


def test_all_full_steps_of_a_run_count_equally() -> None:
    newest, change, trust = torch.zeros(1, 1, 5), torch.ones(1, 1, 5), Trust()
    trust.learn(newest, change, newest)
    trust.learn(newest, change, change)
    assert trust.share is not None
    assert trust.share.item() == pytest.approx(1 / 2)


def test_a_step_counts_by_how_far_its_forecast_went() -> None:
    newest, change, trust = torch.zeros(1, 1, 5), torch.ones(1, 1, 5), Trust()
    trust.learn(newest, 3 * change, 3 * change)
    trust.learn(newest, 2 * change, newest)
    assert trust.share is not None
    assert trust.share.item() == pytest.approx(3 / 5)


def test_a_repeat_teaches_nothing() -> None:
    newest, change, trust = torch.zeros(1, 1, 5), torch.ones(1, 1, 5), Trust()
    trust.learn(newest, newest, change)
    assert trust.share is not None and trust.share.item() == 1
    trust.learn(newest, change, 0.5 * change)
    assert trust.share.item() == pytest.approx(0.5)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_token_that_is_not_finite_teaches_nothing(bad: float) -> None:
    newest, change, trust = noise(SHAPE, 0), noise(SHAPE, 1), Trust()
    truth = newest + 0.5 * change
    truth[0, 3, 2] = bad
    trust.learn(newest, newest + change, truth)
    expected = torch.full(SHAPE[:2], 0.5)
    expected[0, 3] = 1.0
    torch.testing.assert_close(trust.share, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_forecast_takes_that_share_of_its_change(dtype: torch.dtype) -> None:
    targets = [noise(SHAPE, k).to(dtype) for k in range(3)]
    weights, choice, share = noise((5, 3), 9).float(), torch.randint(0, 5, SHAPE[:2]), torch.rand(SHAPE[:2])
    whole = assemble([target.float() for target in targets], weights, choice)
    expected = targets[0].float().lerp(whole, share[..., None])
    made = assemble(targets, weights - torch.tensor([1.0, 0.0, 0.0]), choice, share)
    torch.testing.assert_close(made, expected.to(dtype), atol=1e-5 if dtype == torch.float32 else 3e-2, rtol=1e-2)


def test_trust_limits_explicit_predictors_too() -> None:
    pool, timeline = PoolSettings(families=("dicache",), orders="1").pool(), even_timeline(50, "step")
    run = TapRun(TapSettings(given_pool=PoolSettings(families=("dicache",), orders="1")), timeline.sigmas, "")
    history = History(pool.snapshots)
    for step in range(3):
        run.begin(timeline.sigmas[step], torch.device("cpu"))
        run.remember("one", noise(SHAPE, step).float(), noise(SHAPE, 10 + step).float())
    history = run.memory.histories["one"]
    probe = noise(SHAPE, 5).float()
    lineup = line_up(pool, history, Moment(history.positions, 5.0, timeline, history.probes, probe, None))
    choice = Choice(torch.full(SHAPE[:2], len(lineup.weights)), torch.zeros(SHAPE[:2]))
    assert lineup.explicit
    share = torch.full(SHAPE[:2], 0.25)
    expected = history.targets[0].lerp(lineup.forecast(choice), 0.25)
    torch.testing.assert_close(lineup.forecast(choice, share), expected)


def taught(trust: str) -> TapRun:
    """A run whose forecasts, along the line of the last two full steps, came true by half."""
    timeline = even_timeline(50, "step")
    run = TapRun(TapSettings(orders="1", horizon_from=0, trust=trust, target="output"), timeline.sigmas, "")
    probe, first, change = noise(SHAPE, 0).float(), noise(SHAPE, 1).float(), noise(SHAPE, 2).float()
    for step, reached in ((0, 0.0), (1, 1.0), (2, 1.5)):
        run.begin(timeline.sigmas[step], torch.device("cpu"))
        run.remember("one", probe * (1 + step), first + reached * change)
    run.begin(timeline.sigmas[3], torch.device("cpu"))
    return run


def test_a_run_learns_from_its_full_steps() -> None:
    change = noise(SHAPE, 2).float()
    newest = noise(SHAPE, 1).float() + 1.5 * change
    probe = noise(SHAPE, 0).float() * 4
    for trust, share in (("full", 0.5), ("learned", 0.25)):
        forecast, _ = taught(trust).forecast("one", 0, probe)
        torch.testing.assert_close(forecast, newest + share * change, atol=1e-4, rtol=0)
