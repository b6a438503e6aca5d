"""The errors that calibration expects are those that the engine makes."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate, counts_for
from tap_pack.tap_core.calibrate.fitted_numbers import Changes, fit_polynomial
from tap_pack.tap_core.calibrate.gap_costs import GapCosts
from tap_pack.tap_core.calibrate.gap_errors import LEFT_BY_REPAYING, GapErrors, weight_of
from tap_pack.tap_core.calibrate.placement import PlacementSearch
from tap_pack.tap_core.calibrate.rows import Rows
from tap_pack.tap_core.calibrate.trace import Trace, Track
from tap_pack.tap_core.calibrate.typical_past import lengthened, rounded
from tap_pack.tap_core.engine.history import History
from tap_pack.tap_core.engine.step import full_step, skipped_step
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.predictors.lagrange import lagrange
from tap_pack.tap_core.sampling import still_share
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.still_share import STILL_SHARE
from tap_pack.tap_core.timeline import Timeline

STEPS, TOKENS, WIDTH = 16, 12, 8
PASTS = {1: [(0,)], 2: [(1, 0), (5, 0)], 3: [(2, 1, 0), (7, 4, 0), (9, 8, 5), (13, 9, 8)]}
POOLS = {
    "TAP": PoolSettings(), "order 1": PoolSettings(orders="1", horizon_from=0), "reuse": PoolSettings(orders="0"),
    "several": PoolSettings(families=("newton", "hermite", "spectrum")), "with FreqCa": PoolSettings(
        families=("taylor", "freqca")),
}


def wave(seed: int, width: int = WIDTH) -> torch.Tensor:
    """A smooth trajectory [T, N, width], different for every token and channel."""
    random = torch.Generator().manual_seed(seed)
    speed, phase = 2 * torch.rand(2, TOKENS, width, generator=random)
    return torch.sin(speed * torch.linspace(0, 3, STEPS)[:, None, None] + phase) + 2 * phase


def made_trace(target: str = "output", shares: tuple[float, ...] = (1.0,), noisy: bool = False) -> Trace:
    """A run of STEPS steps over falling sigmas, not evenly spaced."""
    conditions = []
    for number, share in enumerate(shares):
        track = Track(share)
        width = 2 * WIDTH if target == "auto" else WIDTH
        for step, (probe, values) in enumerate(zip(wave(number), wave(number + 10, width), strict=True)):
            track.add(step, probe[None], values[None])
        conditions.append(track.close())
    sigmas = tuple((1 - step / STEPS) ** 1.5 for step in range(STEPS + 1))
    return Trace("Flux", target, sigmas, tuple(conditions), noisy=noisy, picture=1.0)


def by_the_engine(trace: Trace, past: tuple[int, ...], ahead: int, pool: PoolSettings, loss: str, axis: str) -> list:
    """The same errors from the engine's own steps; slopes are the targets."""
    timeline, total, found = Timeline(trace.sigmas, axis), 0, [0.0]
    for step in range(past[0] + 1, past[0] + ahead + 1):
        error = 0
        for condition in trace.conditions:
            history = History(3)
            for place in reversed(past):
                full_step(history, place, condition.probe[place][None], condition.target[place][None])
            made = skipped_step(history, step, condition.probe[step][None], pool.pool(), timeline, loss)
            error = error + condition.share * (made.target[0] - condition.target[step])
        total = total + weight_of(trace.sigmas[step], True) * (trace.sigmas[step + 1] - trace.sigmas[step]) * error
        found.append(float(total.square().mean()))
    return found


@pytest.mark.parametrize("axis", ["step", "sigma"])
@pytest.mark.parametrize("loss", ["cosine", "l2"])
@pytest.mark.parametrize("name", ["TAP", "order 1", "reuse", "several"])
@pytest.mark.parametrize("shares", [(1.0,), (3.0, -2.0)])
def test_they_are_those_of_the_engine(shares: tuple[float, ...], name: str, loss: str, axis: str) -> None:
    trace = made_trace(shares=shares)
    errors = GapErrors(trace, Rows(POOLS[name].pool(), Timeline(trace.sigmas, axis)), loss, repaid=False)
    for length, pasts in PASTS.items():
        if length > POOLS[name].pool().snapshots:
            continue
        found = errors.of(pasts, 2)
        for row, past in zip(found.tolist(), pasts, strict=True):
            assert row == pytest.approx(by_the_engine(trace, past, 2, POOLS[name], loss, axis), rel=2e-3, abs=1e-9)


def test_what_repaying_leaves_is_between_the_forecast_and_the_interpolation() -> None:
    trace = made_trace(shares=(3.0, -2.0))
    rows = Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas))
    repaid, left, past = GapErrors(trace, rows, "cosine"), LEFT_BY_REPAYING, (7, 4, 0)
    slope = sum(condition.share * condition.target for condition in trace.conditions)
    place = [log_noise(sigma, True) for sigma in trace.sigmas]
    steps = [(place[i], weight_of(trace.sigmas[i], True) * (trace.sigmas[i + 1] - trace.sigmas[i]))
             for i in (8, 9)]
    nodes = (10, 7, 4)
    known = sum(step * share * slope[node] for at, step in steps
                for share, node in zip(lagrange([place[node] for node in nodes], at), nodes, strict=True))
    miss = known - sum(step * slope[8 + i] for i, (_, step) in enumerate(steps))
    made = repaid._forecast(torch.tensor([past]), torch.tensor([[8, 9]]), torch.tensor([[step for _, step in steps]]),
                            rows.at([past], 2))
    forecast = made[0, 1] - sum(step * slope[8 + i] for i, (_, step) in enumerate(steps))
    wanted = (miss + left * (forecast - miss)).square().mean()
    assert float(repaid.of([past], 2)[0, 2]) == pytest.approx(float(wanted), rel=1e-3)
    never = GapErrors(trace, rows, "cosine", repaid=False)
    assert float(never.of([past], 2)[0, 2]) == pytest.approx(float(forecast.square().mean()), rel=1e-3)
    end = [(STEPS - 2, 9, 4)]
    assert torch.equal(repaid.of(end, 3), never.of(end, 3))


def along(errors: GapErrors, full: tuple[int, ...]) -> float:
    """Sum over all gaps of a placement."""
    gaps = [(tuple(reversed(full[max(number - 3, 0) : number])), after - step - 1)
            for number, (step, after) in enumerate(pairwise([*full, STEPS]), start=1)]
    return sum(float(errors.of([past], skipped)[0, skipped]) for past, skipped in gaps)


@pytest.mark.parametrize("target", ["output", "denoised", "auto", "auto, with noise"])
def test_trust_is_learned_as_the_engine_learns_it(target: str) -> None:
    trace, full = made_trace(target.partition(",")[0], noisy="noise" in target), (0, 2, 5, 9, 13)
    errors = GapErrors(trace, Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas)), "cosine", repaid=False)
    unlearned = along(errors, full)
    errors.learn_trust(full)
    learned = along(errors, full)
    condition, picture, slope = trace.conditions[0], [0.0] * STEPS, [0.0] * STEPS
    share = {"auto": 0.0, "denoised": 1.0, "output": 0.0, "auto, with noise": STILL_SHARE}[target]
    if share > 0:
        picture = error_of_the_engine(trace, condition.target[..., :WIDTH], full)
    if share < 1:
        slope = error_of_the_engine(trace, condition.target[..., -WIDTH:], full)
    total, gap = 0.0, torch.zeros(1)
    for step, sigma in enumerate(trace.sigmas[:-1]):
        if step in full:
            total, gap = total + float(gap.square().mean()), torch.zeros(1)
        weight = weight_of(sigma, True) * (trace.sigmas[step + 1] - sigma)
        gap = gap + weight * ((1 - share) * slope[step] - share * picture[step] / sigma)
    total += float(gap.square().mean())
    assert learned == pytest.approx(total, rel=2e-3)
    assert unlearned != pytest.approx(total, rel=5e-3)


def error_of_the_engine(trace: Trace, target: torch.Tensor, full: tuple[int, ...]) -> list:
    """The error of each step's forecast of a target [T, N, C], in a run that learns trust; 0 at full steps."""
    condition, timeline, pool = trace.conditions[0], Timeline(trace.sigmas), POOLS["TAP"].pool()
    history, misses = History(3), []
    for step, (probe, values) in enumerate(zip(condition.probe[:, None], target[:, None], strict=True)):
        if step in full:
            expected = None
            if len(history.snapshots) > 1:
                expected = skipped_step(history, step, probe, pool, timeline, "cosine")
            full_step(history, step, probe, values, None, expected)
            misses.append(0.0)
            continue
        made = skipped_step(history, step, probe, pool, timeline, "cosine", share=history.trust.share)
        misses.append(made.target - values)
    return misses


def test_a_run_whose_sampler_adds_noise_is_not_taken_to_repay() -> None:
    for noisy in (False, True):
        trace = made_trace(noisy=noisy)
        rows = Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas))
        repaid, stays = (GapErrors(trace, rows, "cosine", repaid).of([(7, 4, 0)], 2) for repaid in (True, False))
        assert torch.equal(repaid, stays) == noisy


def test_beyond_the_end_nothing_is_added() -> None:
    trace = made_trace()
    errors = GapErrors(trace, Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas)), "cosine")
    row = errors.of([(STEPS - 3, 4, 0)], 8)[0]
    assert row[1] > 0
    assert (row[2:] == row[2]).all()


def test_what_a_target_says_about_the_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_error(trace: Trace) -> float:
        rows = Rows(POOLS["reuse"].pool(), Timeline(trace.sigmas))
        return float(GapErrors(trace, rows, "l2", repaid=False).of([(5,)], 1)[0, 1])

    auto, noisy = made_trace("auto"), made_trace("auto", noisy=True)
    condition = auto.conditions[0]
    picture, slope = (replace(auto, target=name, conditions=(replace(condition, target=part, moved=()),))
                      for name, part in zip(("denoised", "output"), condition.target.chunk(2, dim=-1), strict=True))
    assert first_error(auto) == pytest.approx(first_error(slope))
    monkeypatch.setattr(still_share, "STILL_SHARE", 1.0)
    assert first_error(noisy) == pytest.approx(first_error(picture))
    monkeypatch.setattr(still_share, "STILL_SHARE", 0.0)
    assert first_error(noisy) == pytest.approx(first_error(slope))


def test_pasts_of_any_length_are_worked_out_together() -> None:
    trace = made_trace()
    errors = GapErrors(trace, Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas)), "cosine")
    mixed = [(7, 4, 0), (0,), (5, 0), (9, 8, 5), (1, 0)]
    found = errors.of(mixed, 3)
    for number, past in enumerate(mixed):
        torch.testing.assert_close(found[number], errors.of([past], 3)[0])
    assert errors.of(mixed, 0).tolist() == [[0.0]] * 5


def test_a_past_goes_on_at_its_last_distance() -> None:
    assert lengthened((9, 6), 3) == (9, 6, 3)
    assert lengthened((9, 2), 3) == (9, 2, 0)
    assert lengthened((9, 7), 5) == (9, 7, 5, 3, 1)
    assert [lengthened(past, 3) for past in ((0,), (4, 0), (8, 5, 1))] == [(0,), (4, 0), (8, 5, 1)]


def test_a_past_is_rounded_to_two_binary_digits_of_its_last_distance() -> None:
    assert [20 - rounded((20, 20 - apart))[1] for apart in range(1, 17)] == [
        1, 2, 3, 4, 4, 6, 8, 8, 8, 8, 12, 12, 12, 16, 16, 16]
    assert rounded((7, 0)) == (7, 0)  # 8 back would lie before the run
    assert [rounded(past) for past in ((5,), (9, 8, 2))] == [(5,), (9, 8, 2)]


def test_rounded_pasts_find_placements_as_good_as_three_exact_full_steps() -> None:
    trace = made_trace(shares=(3.0, -2.0))
    rows = Rows(POOLS["TAP"].pool(), Timeline(trace.sigmas))
    errors = GapErrors(trace, rows, "cosine")
    by_three = PlacementSearch(STEPS, 3, STEPS, errors.of)
    by_two = PlacementSearch(STEPS, 2, STEPS, GapCosts([errors], 3, STEPS).of)
    for count in (5, 6, 7, 8):
        assert along(errors, by_two.best(count).full) <= 1.3 * by_three.best(count).cost


def test_a_pool_without_rows_is_refused_and_one_with_some_is_judged_by_them() -> None:
    timeline = Timeline(made_trace().sigmas)
    with pytest.raises(TapError, match="can be calibrated"):
        Rows(PoolSettings(families=("freqca",), orders="1").pool(), timeline)
    assert Rows(POOLS["with FreqCa"].pool(), timeline).snapshots == 3


def test_a_calibration_has_a_line_for_every_count_and_more_calls_are_closer() -> None:
    found = calibrate([made_trace(), made_trace(shares=(3.0, -2.0))], PlannedRun(PoolSettings(), calls=13))
    assert [line.calls for line in found.lines] == counts_for(STEPS, 13) == [5, 6, 7, 8, 9, 10, 11, 13]
    # The search is for what would be left. What a run can tell of it rises with the calls, but not with each of them.
    told = [line.decibels for line in found.lines]
    assert told[0] + 15 < told[-1]
    assert all(later > earlier - 5 for earlier, later in pairwise(told))
    assert all(line.full[0] == 0 and line.full[-1] < STEPS for line in found.lines)


def test_traces_of_different_runs_are_not_mixed() -> None:
    with pytest.raises(TapError, match="differ in their target"):
        calibrate([made_trace(), made_trace("auto")], PlannedRun(PoolSettings()))
    with pytest.raises(TapError, match="no trace"):
        calibrate([], PlannedRun(PoolSettings()))


def test_prompts_for_parts_of_the_picture_are_not_calibrated_on() -> None:
    trace = made_trace(shares=(3.0, -2.0))
    one, other = trace.conditions
    with pytest.raises(TapError, match="different parts"):
        calibrate([replace(trace, conditions=(one, replace(other, tokens=3)))], PlannedRun(PoolSettings()))


def test_a_run_with_values_that_are_not_numbers_is_refused() -> None:
    trace = made_trace()
    (condition,) = trace.conditions
    condition.target[3] = torch.nan
    with pytest.raises(TapError, match="not numbers"):
        calibrate([trace], PlannedRun(PoolSettings()))
    with pytest.raises(TapError, match="not numbers"):
        fit_polynomial(Changes([0.1] * 9, [0.1] * 8 + [math.nan]))


def test_more_calls_than_the_search_has_places_for_get_a_line_of_their_own() -> None:
    track = Track(1.0)
    for step in range(70):
        track.add(step, torch.full((1, 1, 4), 1.0 + step), torch.full((1, 1, 2), step**0.5))
    trace = Trace("Flux", "output", tuple(1 - step / 70 for step in range(71)), (track.close(),))
    assert calibrate([trace], PlannedRun(PoolSettings(), calls=60)).line(60).calls == 60
