"""The choice of each token among weight rows and explicit predictors, and the controls of that choice."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.engine.history import History, Snapshot
from tap_pack.tap_core.engine.selector import SELECTIONS, Selector
from tap_pack.tap_core.engine.step import Forecast, skipped_step
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictor import Moment
from tap_pack.tap_core.predictors.dicache import DiCache
from tap_pack.tap_core.predictors.families import FAMILIES, MemberOptions
from tap_pack.tap_core.predictors.freqca import FreqCa
from tap_pack.tap_core.predictors.hermite import Hermite
from tap_pack.tap_core.predictors.hicache import HiCache
from tap_pack.tap_core.predictors.newton import Newton
from tap_pack.tap_core.predictors.pool import Pool, family_pool, taylor_pool
from tap_pack.tap_core.predictors.reuse import Reuse
from tap_pack.tap_core.predictors.spectrum import Spectrum
from tap_pack.tap_core.predictors.taylor import Taylor
from tap_pack.tap_core.predictors.tc_pade import TcPade
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

GRID = (1, 4, 6)
BATCH, TOKENS, WIDTH, CHANNELS = 2, 24, 8, 5
TIMELINE = Timeline(tuple(1 - i / 50 for i in range(51)))
ALL = family_pool(list(FAMILIES), [0, 1, 2, 3], MemberOptions([1, 2, 3], [0.0, -1.0, -2.0]))
MIXED = Pool((Reuse(), Newton(1), Newton(2)), (DiCache(), TcPade()))


def noise(channels: int, seed: int) -> Tensor:
    return torch.randn(BATCH, TOKENS, channels, generator=torch.Generator().manual_seed(seed))


def smooth_history(length: int, dtype: torch.dtype = torch.float32) -> History:
    """Full steps 20, 15, 10, ... on a smooth path with a little noise."""
    history = History(length)
    for i in reversed(range(length)):
        time = 0.3 * (4 - i)
        probe, target = (noise(c, 1) + time * noise(c, 2) + time**2 * noise(c, 3) + 0.05 * noise(c, 10 + i)
                         for c in (WIDTH, CHANNELS))
        history.push(Snapshot(20.0 - 5 * i, probe.to(dtype), target.to(dtype)))
    return history


def skip(history: History, probe: Tensor, pool: Pool, selection: str = "best", loss: str = "l2",
         truth: Tensor | None = None, seed: int = 0, position: float = 23.0) -> Forecast:
    return skipped_step(history, position, probe, pool, TIMELINE, loss, Selector(selection, seed), GRID, truth)


def forecasts(history: History, probe: Tensor, pool: Pool, stream: list[Tensor]) -> list[Tensor]:
    """The forecast of each member."""
    moment = Moment(history.positions, 23.0, TIMELINE, history.probes, probe, GRID)
    rows = [member.weights(history.positions, 23.0, TIMELINE) for member in pool.predictors]
    return [*(sum(w * part for w, part in zip(row, stream, strict=True)) for row in rows),
            *(member.forecast(stream, moment) for member in pool.explicit)]


@pytest.mark.parametrize("loss", ["cosine", "l2", "l1"])
def test_a_token_takes_the_member_whose_forecast_its_probe_is(loss: str) -> None:
    history = smooth_history(3)
    by_formula = forecasts(history, history.probes[1], MIXED, history.probes)
    wanted = torch.arange(BATCH * TOKENS).view(BATCH, TOKENS) % 3 + torch.tensor([[0], [2]])  # 0..2, 2..4
    # DiCache's forecast depends on the probe itself: stretched by 1.2, the probe is what it forecasts.
    by_formula[3] = history.probes[1] + 1.2 * (history.probes[0] - history.probes[1])
    probe = torch.stack(by_formula).gather(0, wanted[None, ..., None].expand(1, -1, -1, WIDTH))[0]
    forecast = skip(history, probe, MIXED, loss=loss)
    assert (forecast.choice == wanted).float().mean() == 1
    targets = torch.stack(forecasts(history, probe, MIXED, history.targets))
    expected = targets.gather(0, wanted[None, ..., None].expand(1, -1, -1, CHANNELS))[0]
    torch.testing.assert_close(forecast.target, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("selection", ["best", "blend", "one for all", "random"])
@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_every_family_at_once_gives_a_finite_forecast(length: int, selection: str) -> None:
    history = smooth_history(length, torch.bfloat16)
    forecast = skip(history, noise(WIDTH, 5).bfloat16(), ALL, selection, "cosine")
    assert forecast.target.dtype == torch.bfloat16
    assert forecast.target.isfinite().all() and forecast.loss.isfinite().all()
    assert 0 <= int(forecast.choice.min()) <= int(forecast.choice.max()) < len(ALL.members)


def test_a_pool_of_explicit_predictors_uses_only_them() -> None:
    history = smooth_history(3)
    forecast = skip(history, noise(WIDTH, 5), Pool((), (DiCache(), TcPade())))
    targets = torch.stack(forecasts(history, noise(WIDTH, 5), Pool((), (DiCache(), TcPade())), history.targets))
    expected = targets.gather(0, forecast.choice[None, ..., None].long().expand(1, -1, -1, CHANNELS))[0]
    torch.testing.assert_close(forecast.target, expected)


def test_a_pool_of_explicit_predictors_repeats_the_newest_step_until_they_are_ready() -> None:
    history = smooth_history(1)
    forecast = skip(history, noise(WIDTH, 5), Pool((), (DiCache(), TcPade())))
    assert (forecast.target == history.targets[0]).all()


def test_where_no_forecast_of_the_probe_is_finite_the_newest_step_is_repeated() -> None:
    history = smooth_history(3)
    history.probes[0][0, 3] = torch.nan
    forecast = skip(history, noise(WIDTH, 5), Pool((), (TcPade(),)))
    torch.testing.assert_close(forecast.target[0, 3], history.targets[0][0, 3])


def test_equal_losses_go_to_the_first_member() -> None:
    history = smooth_history(2)
    forecast = skip(history, history.probes[0], Pool((Reuse(), Newton(1)), (DiCache(),)))
    assert not forecast.choice.any()


def test_full_steps_of_one_sigma_are_distinguished_for_explicit_predictors_too() -> None:
    plateau = Timeline((1.0, *[0.5] * 49, 0.0), "sigma")
    forecast = skipped_step(smooth_history(3), 23.0, noise(WIDTH, 5), ALL, plateau, "l2", Selector(), GRID)
    assert forecast.target.isfinite().all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_no_fixed_predictor_beats_the_oracle_for_any_token(seed: int) -> None:
    history, probe, truth = smooth_history(8), noise(WIDTH, seed), noise(CHANNELS, seed + 1)
    oracle = skip(history, probe, ALL, "oracle", truth=truth)
    error = (oracle.target - truth).square().mean(-1)
    torch.testing.assert_close(oracle.loss, error, rtol=1e-3, atol=1e-5)
    for member in ALL.predictors:
        fixed = skip(history, probe, Pool((member,)))
        assert (error <= (fixed.target - truth).square().mean(-1) * 1.001 + 1e-5).all()
    for member in ALL.explicit:
        fixed = skip(history, probe, Pool((), (member,)))
        assert (error <= (fixed.target - truth).square().mean(-1) * 1.001 + 1e-5).all()


def test_one_for_all_takes_the_least_mean_loss_of_each_picture() -> None:
    history, probe = smooth_history(3), noise(WIDTH, 5)
    forecast = skip(history, probe, MIXED, "one for all")
    errors = torch.stack([(p - probe).square().mean((1, 2)) for p in forecasts(history, probe, MIXED, history.probes)])
    assert (forecast.choice == errors.argmin(0)[:, None]).all()


def test_random_choices_depend_only_on_seed_and_step() -> None:
    history, probe = smooth_history(3), noise(WIDTH, 5)
    first, again, other, later = (skip(history, probe, ALL, "random", seed=seed, position=position).choice
                                  for seed, position in ((1, 23.0), (1, 23.0), (2, 23.0), (1, 24.0)))
    assert (first == again).all()
    assert (first != other).any() and (first != later).any()
    assert len(first.unique()) > 10


def test_random_avoids_a_candidate_without_a_loss() -> None:
    losses = torch.rand(1, 200, 3)
    losses[..., 1] = torch.inf
    assert set(Selector("random").choose(losses, 3.0).best.flatten().tolist()) == {0, 2}


def test_a_blend_is_between_the_best_two_and_closer_to_the_better() -> None:
    history, probe = smooth_history(3), noise(WIDTH, 5)
    pool = Pool((Reuse(), Newton(1)))
    blended = skip(history, probe, pool, "blend").target
    on_probe, on_target = (forecasts(history, probe, pool, stream) for stream in (history.probes, history.targets))
    loss = torch.stack([(p - probe).square().mean(-1) for p in on_probe])
    expected = (on_target[0] * loss[1, ..., None] + on_target[1] * loss[0, ..., None]) / loss.sum(0)[..., None]
    torch.testing.assert_close(blended, expected)


def test_a_blend_keeps_a_perfect_forecast() -> None:
    history = smooth_history(3)
    forecast = skip(history, history.probes[0], MIXED, "blend")
    torch.testing.assert_close(forecast.target, history.targets[0], atol=1e-5, rtol=1e-5)


def test_a_blend_of_one_is_that_one() -> None:
    history = smooth_history(3)
    assert (skip(history, noise(WIDTH, 5), Pool((Reuse(),)), "blend").target == history.targets[0]).all()


@pytest.mark.parametrize("selection", SELECTIONS)
def test_of_equal_candidates_none_gets_lost(selection: str) -> None:
    choice = Selector(selection).choose(torch.zeros(1, 5, 1), 2.0)
    assert not choice.best.any() and not choice.loss.any()


def test_a_selection_that_does_not_exist_is_named() -> None:
    with pytest.raises(TapError, match="'luckiest'"):
        Selector("luckiest")


def test_knobs_reach_the_members() -> None:
    families = ("hermite", "hicache", "spectrum", "dicache", "freqca")
    knobs = {"hermite_steps": 6, "spectrum_steps": 7, "hicache_scale": 0.7, "freqca_cutoff": 0.3,
             "dicache_per_token": False}
    pool = PoolSettings(families, "1", 0, 0, **knobs).pool()
    assert set(pool.members) == {
        Hermite(1, fitted=6), HiCache(1, scale=0.7), Spectrum(remembered=7), DiCache(per_token=False), FreqCa(0.3)
    }
    assert pool.snapshots == 7


def test_a_fit_always_has_the_steps_that_its_order_needs() -> None:
    assert PoolSettings(("hermite",), "3", 0, 0, hermite_steps=2).pool().snapshots == 4


def steadily(pool: Pool, steady: Sequence[float]) -> Tensor:
    """The choice [B, N] where the probe stands still."""
    history = smooth_history(3)
    return skipped_step(history, 23.0, history.probes[0], pool, TIMELINE, "l2", steady=torch.tensor(steady)).choice


def test_a_steady_picture_takes_no_forecast_that_stops_short() -> None:
    pool = taylor_pool([0, 1, 2], -4, 0, 1)
    choice = steadily(pool, [0.0, 1.0])
    assert choice[0].unique().tolist() == [0]
    members = [pool.members[i] for i in choice[1].unique().tolist()]
    assert {(member.order > 0, member.horizon) for member in members} == {(True, 0.0)}


@pytest.mark.parametrize("pool", [
    taylor_pool([0], 0, 0, 1), taylor_pool([0, 1], -2, -1, 1), Pool((Reuse(), Newton(1))), MIXED,
    Pool((Taylor(0), Taylor(2)), (DiCache(),)),
])
def test_where_no_other_forecast_is_there_or_none_was_measured_the_choice_stays(pool: Pool) -> None:
    assert torch.equal(steadily(pool, [1.0, 1.0]), steadily(pool, [0.0, 0.0]))


def test_a_token_without_a_finite_loss_takes_the_first_candidate_all_the_same() -> None:
    history, pool = smooth_history(3), taylor_pool([0, 1, 2], -4, 0, 1)
    probe = torch.full_like(history.probes[0], torch.nan)
    choice = skipped_step(history, 23.0, probe, pool, TIMELINE, "cosine", steady=torch.ones(BATCH)).choice
    assert choice.unique().tolist() == [0]


def test_the_truth_chooses_among_all_candidates() -> None:
    history, pool = smooth_history(3), taylor_pool([0, 1, 2], -4, 0, 1)
    found = skipped_step(history, 23.0, history.probes[0], pool, TIMELINE, "l2", Selector("oracle"),
                         truth=history.targets[0], steady=torch.ones(BATCH))
    assert found.choice.unique().tolist() == [0]
