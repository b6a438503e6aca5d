"""How a run's slopes go on: on slopes whose angles are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from tap_pack.tap_core.engine.history import History, Snapshot
from tap_pack.tap_core.sampling.forecaster import Forecaster
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.sampling.trend import Trend
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

TIMELINE = Timeline((1.0, 0.8, 0.6, 0.4, 0.2, 0.0))


def slopes(*turns: float, first: float = 0.1) -> list[Tensor]:
    """Slopes [2, 2] of full steps, oldest first; each change is 0.1 long and turned against the one before, in radians.

    The second picture's slopes always go straight on.
    """
    angle, found = 0.0, [torch.tensor([[1.0, 0.0]] * 2)]
    for number, turn in enumerate((0.0, *turns)):
        angle, length = angle + turn, 0.1 if number else first
        step = torch.tensor([[math.cos(angle), math.sin(angle)], [1.0, 0.0]])
        found.append(found[-1] + length * step)
    return found


def trend_of(known: Sequence[Tensor], noisy: Tensor | None = None) -> Trend:
    """After these full steps."""
    trend = Trend()
    for number in range(len(known)):
        trend.add(known[number], known[:number][::-1], noisy)
    return trend


def test_nothing_is_known_of_a_single_full_step() -> None:
    trend = trend_of(slopes()[:1])
    assert trend.share is None
    assert not trend.fits(2)


@pytest.mark.parametrize(("change", "share"), [(0.1, 1.0), (2.0, 1.0), (19.0, 0.5), (99.0, (1.1 - 0.99) / 0.3)])
def test_before_a_change_was_checked_a_large_one_is_held(change: float, share: float) -> None:
    # |a| / |d_0| is change / (1 + change).
    trend = trend_of(slopes(first=change))
    assert trend.share.tolist() == pytest.approx([share] * 2, abs=1e-5)
    assert trend.back.tolist() == [0, 0]


@pytest.mark.parametrize(("turn", "share", "back"), [
    (0.0, 1.0, 0.0), (math.acos(-0.175), 0.5, 0.0), (math.pi / 2, 0.45 / 0.55, 0.0), (math.acos(-0.5), 0.0, 0.0),
    (math.acos(-0.75), 0.0, 0.3), (math.pi, 0.0, 0.5),
])
def test_slopes_that_turn_back_are_not_carried_on(turn: float, share: float, back: float) -> None:
    trend = trend_of(slopes(turn))
    assert trend.share.tolist() == pytest.approx([share, 1.0], abs=1e-4)
    assert trend.back.tolist() == pytest.approx([back, 0.0], abs=1e-4)


@pytest.mark.parametrize(("cosine", "steady"), [(1.0, 1.0), (0.5, 1.0), (0.4, 0.0), (-1.0, 0.0)])
def test_slopes_that_hardly_turn_are_steady(cosine: float, steady: float) -> None:
    assert trend_of(slopes(math.acos(cosine))).steady.tolist() == [steady, 1.0]
    assert trend_of(slopes(math.acos(cosine)), torch.tensor(True)).steady.tolist() == [0.0, 0.0]
    assert trend_of(slopes()).steady.tolist() == [0.0, 0.0]


def test_all_full_steps_of_the_run_count() -> None:
    # A turn about and a change straight on: c is 0.
    assert trend_of(slopes(math.pi, 0.0)).share[0].item() == pytest.approx(0.45 / 0.55, abs=1e-4)


def test_longer_changes_count_more() -> None:
    # The first change is twice as long as the others.
    assert trend_of(slopes(math.acos(-0.2), math.acos(0.1), first=0.2)).share[0].item() == pytest.approx(
        ((-0.2 * 2 + 0.1) / 3 + 0.45) / 0.55, abs=1e-4)


def test_a_forecast_is_left_alone_where_it_is_known_that_no_slope_swings() -> None:
    forecast, before = torch.ones(2, 3, 4), torch.zeros(2, 3, 4)

    def read(trend: Trend) -> Tensor:
        trend.ask(lambda values, take: take(values.float()))
        return trend.turned_back(forecast, [forecast, before])

    assert read(trend_of(slopes(0.1))) is forecast
    assert read(trend_of(slopes(math.pi)))[:, 0, 0].tolist() == [0.5, 1.0]
    unread = trend_of(slopes(0.1)).turned_back(forecast, [forecast, before])
    assert unread is not forecast and torch.equal(unread, forecast)


@pytest.mark.parametrize("noisy", [torch.tensor(True), torch.tensor(1.0)])
def test_fresh_noise_turns_nothing_back(noisy: Tensor) -> None:
    trend = trend_of(slopes(math.pi), noisy)
    assert (trend.share.tolist(), trend.back.tolist()) == ([1, 1], [0, 0])


def test_a_picture_that_does_not_change_is_carried_on() -> None:
    still = [torch.zeros(2, 3)] * 3
    assert trend_of(still).share.tolist() == [1, 1]
    assert trend_of(still).back.tolist() == [0, 0]


def forecast(trend: Trend | None, batch: int = 2, **settings: object) -> Tensor:
    """Of a target that was 1 and then 2, after steps 0 and 2, at step 3: a line goes to 2.5."""
    settings = {"orders": "1", "horizon_from": 0, **settings}
    forecaster, history = Forecaster(TapSettings(**settings), TIMELINE), History(3)
    for position, value in ((0.0, 1.0), (2.0, 2.0)):
        history.push(Snapshot(position, *[torch.full((batch, 3, 4), value)] * 2))
    probe = torch.full((batch, 3, 4), 2.5)
    return forecaster.forecast(history, 3.0, probe, None, None, trend).target


def test_a_forecast_takes_the_share_of_its_picture() -> None:
    assert forecast(None).unique().tolist() == pytest.approx([2.5])
    found = forecast(trend_of(slopes(math.acos(-0.175))))
    assert found[0].unique().tolist() == pytest.approx([2 + 0.5 * 0.5], abs=1e-4)
    assert found[1].unique().tolist() == pytest.approx([2.5], abs=1e-4)


def test_steady_slopes_are_carried_on_and_not_repeated() -> None:
    # The probe stands still, so each token would rather take the repeat.
    def last(trend: Trend) -> Tensor:
        forecaster, history = Forecaster(TapSettings(), TIMELINE), History(3)
        for position, value in ((0.0, 1.0), (2.0, 2.0)):
            history.push(Snapshot(position, torch.full((2, 3, 4), value), torch.full((2, 3, 4), value)))
        return forecaster.forecast(history, 3.0, torch.full((2, 3, 4), 2.0), None, None, trend).target
    found = last(trend_of(slopes(math.acos(0.3))))
    assert found[0].unique().tolist() == pytest.approx([2.0], abs=1e-4)
    assert found[1].unique().tolist() == pytest.approx([2.5], abs=1e-4)


def test_where_slopes_swing_it_goes_back_to_the_mean_of_two_full_steps() -> None:
    found = forecast(trend_of(slopes(math.pi)))
    assert found[0].unique().tolist() == pytest.approx([1.5], abs=1e-4)


@pytest.mark.parametrize("settings", [{"trust": "full"}, {"batch": 3}])
def test_without_trust_or_for_other_pictures_it_is_as_before(settings: dict) -> None:
    assert torch.equal(forecast(trend_of(slopes(math.pi)), **settings), forecast(None, **settings))


def test_a_run_goes_by_the_slopes_of_its_sampler() -> None:
    # Guided slopes that turn about, while each prompt's target goes straight on.
    schedule, x = ListedSchedule((0, 1, 2, 4)), torch.ones(1, 3)
    run = TapRun(TapSettings(orders="1", horizon_from=0, given_schedule=schedule), TIMELINE.sigmas, "")
    for step, slope in enumerate((1.0, 2.0, 1.0, 1.0)):
        sigma, target = TIMELINE.sigmas[step], torch.full((1, 3, 4), float(step))
        run.begin(sigma, x.device, x)
        if run.decider.wants_skip:
            found, _ = run.forecast("prompt", 0, target)
        else:
            run.remember("prompt", target, target)
        run.count_call(run.decider.wants_skip)
        run.finish(x, x - sigma * slope)
        x = x + (TIMELINE.sigmas[step + 1] - sigma) * slope
    assert found.unique().tolist() == pytest.approx([1.5], abs=1e-4)


def test_a_single_full_step_is_repeated() -> None:
    forecaster, history = Forecaster(TapSettings(), TIMELINE), History(3)
    history.push(Snapshot(0.0, *[torch.ones(2, 3, 4)] * 2))
    found = forecaster.forecast(history, 1.0, torch.ones(2, 3, 4), None, None, trend_of(slopes(math.pi)))
    assert torch.equal(found.target, torch.ones(2, 3, 4))


def test_where_steps_are_evaluated_twice_nothing_is_known() -> None:
    for twice in (False, True):
        run, x = TapRun(TapSettings(interval=3), TIMELINE.sigmas, ""), torch.ones(1, 3)
        for number, step in enumerate((0, 0, 1, 1) if twice else (0, 1)):
            sigma = TIMELINE.sigmas[step] - 0.05 * (number % 2) * twice
            run.begin(sigma, x.device, x)
            run.finish(x, x * 0.5)
        assert (run.standing.trend is None) == twice
