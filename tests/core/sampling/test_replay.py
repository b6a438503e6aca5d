"""The sampler goes again with what is known: on an equation whose full run is known, under samplers of every kind."""

from __future__ import annotations

import gc
import math
from itertools import pairwise
from statistics import mean
from types import ModuleType

import pytest
import torch
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.sampling import still_share
from tap_pack.tap_core.sampling.interpolation import shares_at
from tap_pack.tap_core.sampling.replay import Replay, latents_kept
from torch import Tensor

from replayed_flows import NOISY, SAMPLERS, WITHOUT_NOISE, Run, Sampler, error, euler, every, never, restarting
from trajectories import noise, shifted_sigmas

SIGMAS = shifted_sigmas(30)


def named(*samplers: Sampler) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sampler", samplers, ids=lambda sampler: sampler.__name__)


def fed(*evaluations: tuple[float, bool]) -> Replay:
    """A replay that was told evaluations (sigma, full). All have the slope 1: denoised is x - sigma."""
    replay = Replay(True, 1.0)
    for sigma, full in evaluations:
        replay.add(x_at(sigma), x_at(sigma) - sigma, sigma, full)
    return replay


def x_at(sigma: float) -> Tensor:
    return torch.full((1, 2), 3 + sigma, dtype=torch.float64)


@named(*WITHOUT_NOISE)
@pytest.mark.parametrize(("order", "shift"), [(0, 1.0), (1, 3.0)])
def test_the_order_of_convergence_rises_under_every_sampler(sampler: Sampler, order: int, shift: float) -> None:
    stays, repaid = [], []
    for steps in (100, 200):
        stays.append(error(sampler, shifted_sigmas(steps, shift), None, order))
        repaid.append(error(sampler, shifted_sigmas(steps, shift), Replay(True, 1.0), order))
    stays_order, repaid_order = (math.log2(coarse / fine) for coarse, fine in (stays, repaid))
    assert stays_order == pytest.approx(order + 1, abs=0.25)
    # Not quite one more: over log-noise the two ends of a run are drawn out.
    assert repaid_order > stays_order + 0.4
    assert repaid[-1] < stays[-1] / 4


@named(*NOISY)
def test_with_the_same_noise_the_error_falls_too(sampler: Sampler) -> None:
    sigmas = shifted_sigmas(100, 1.0)
    stays, repaid = (mean(error(sampler, sigmas, kind and kind(True, 1.0), 0, seed=seed) for seed in range(6))
                     for kind in (None, Replay))
    assert repaid < stays / 3


@named(*NOISY)
def test_under_noise_pictures_are_re_estimated(sampler: Sampler) -> None:
    def noisy() -> Replay:
        replay = Replay(True, 1.0)
        replay.noisy = True
        return replay

    sigmas = shifted_sigmas(100, 1.0)
    stays, repaid = (mean(error(sampler, sigmas, kind and kind(), 0, seed=seed) for seed in range(6))
                     for kind in (None, noisy))
    assert repaid < stays / 2


@pytest.mark.parametrize(("renewed", "left"), [(None, 1.0), (0.0, 1.0), (0.125, 0.5), (0.25, 0.0), (1.0, 0.0)])
def test_what_fresh_noise_has_buried_is_not_repaid(renewed: float | None, left: float) -> None:
    """Pictures 0, then 5 forecast in place of 1 and 2, then 3: equal distances in log-noise."""
    replay, x = Replay(True, 1.0), torch.zeros(1, 2)
    replay.noisy = True
    sigmas = [1 / (1 + math.exp(place)) for place in range(4)]
    share = None if renewed is None else torch.tensor(renewed)
    for sigma, picture in zip(sigmas, (0.0, 5.0, 5.0, 3.0), strict=True):
        replay.add(x, torch.full((1, 2), picture), sigma, picture != 5, share)
    answers = [replay.answer(index, x)[0, 0].item() for index in (1, 2)]
    assert mean(answers) == pytest.approx(5 - left * 3.5, abs=0.15)
    assert answers[0] < answers[1] if left else answers == pytest.approx([5, 5])


@named(*SAMPLERS)
def test_slopes_that_the_interpolation_meets_are_repaid_to_rounding(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slope does not depend on x and has degree 2 in log-noise; with still 0, no answer changes it either."""
    monkeypatch.setattr(still_share, "STILL_SHARE", 0.0)

    def bent(x: Tensor, sigma: float) -> Tensor:
        place = log_noise(sigma, True)
        return torch.tensor([[1 + place**2, 3 - 2 * place + 0.5 * place**2]], dtype=torch.float64)

    assert error(sampler, SIGMAS, None, 1, flow=bent) > 1e-2
    assert error(sampler, SIGMAS, Replay(True, 1.0), 1, flow=bent) < 1e-12


@named(*SAMPLERS)
def test_where_nothing_is_skipped_the_sampler_never_goes_again(sampler: Sampler) -> None:
    stock, watched = Run(never), Run(never, Replay(True, 1.0))
    assert torch.equal(watched.sample(sampler, SIGMAS), stock.sample(sampler, SIGMAS))
    assert len(watched.asked) == 1
    assert all(torch.equal(*each) for each in zip(watched.given, stock.given, strict=True))


@named(*SAMPLERS)
def test_no_model_call_is_made_twice_and_each_gap_is_gone_through_once(sampler: Sampler) -> None:
    stays, repaid = Run(every(SIGMAS, 5)), Run(every(SIGMAS, 5), Replay(True, 1.0))
    stays.sample(sampler, SIGMAS)
    repaid.sample(sampler, SIGMAS)
    assert (repaid.computed, len(repaid.given)) == (stays.computed, len(stays.given))
    assert repaid.replay.known == len(repaid.given)
    kinds = [every(SIGMAS, 5)(number, sigma) for number, sigma in enumerate(repaid.told)]
    gaps = sum(skipped and not after for skipped, after in pairwise(kinds))
    assert len(repaid.asked) == gaps + 1


@named(*SAMPLERS)
def test_each_pass_goes_the_way_of_the_one_before_up_to_the_newest_gap(sampler: Sampler) -> None:
    """And up to the first gap exactly as it went at first, which `exact` promises."""
    run = Run(every(SIGMAS, 5), Replay(True, 1.0))
    run.sample(sampler, SIGMAS)
    first_gap = next(i for i, sigma in enumerate(run.told) if every(SIGMAS, 5)(i, sigma))
    exact = [run.replay.exact(index, torch.device("cpu")) for index in range(run.replay.known)]
    assert [x is None for x in exact] == [index >= first_gap for index in range(len(exact))]
    for latest in run.asked:
        assert all(torch.equal(x, there) for x, there in zip(exact[:first_gap], latest, strict=False))
    for before, latest in pairwise(run.asked):
        alike = [torch.equal(*each) for each in zip(before, latest, strict=False)]
        assert all(alike[: alike.index(False)])
        assert all(every(SIGMAS, 5)(i, run.told[i]) for i in range(alike.index(False) - 1, len(alike) - 1))


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_at_an_unchanged_x_a_full_step_answers_what_the_model_gave(mixed: bool, dtype: torch.dtype) -> None:
    replay, given = Replay(mixed, 1.0), []
    for number in range(12):
        x, denoised = noise((2, 4, 3, 5), number, dtype), noise((2, 4, 3, 5), 50 + number, dtype)
        given.append((x, denoised))
        replay.add(x, denoised, 1 - number / 12, number % 4 == 0)
    for number in (0, 4, 8):
        x, denoised = given[number]
        answer = replay.answer(number, x)
        assert torch.equal(answer, denoised) and answer.dtype == dtype
    replay.answer(5, given[5][0]).zero_()  # an answer is the sampler's own


@pytest.mark.parametrize(("mixed", "still", "share"), [
    (True, 0.0, 1.0), (True, 0.5, 0.5), (True, 1.0, 0.0), (False, 0.5, 0.0),
])
def test_an_answer_follows_x_as_far_as_the_picture_does_not_stay_still(
    mixed: bool, still: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """share: of the move of x, in the answer. Where noise is added to the picture, the picture stays still."""
    monkeypatch.setattr(still_share, "STILL_SHARE", still)
    replay, x, moved = Replay(mixed, 1.0), noise((1, 6), 0), noise((1, 6), 1)
    replay.add(x, 0.3 * x, 0.7, True)
    torch.testing.assert_close(replay.answer(0, x + moved) - 0.3 * x, share * moved)


def test_between_full_steps_slopes_are_interpolated_over_log_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    replay, slopes = Replay(True, 1.0), {sigma: noise((1, 6), round(10 * sigma)) for sigma in (0.9, 0.8, 0.4)}
    for sigma in (0.9, 0.8, 0.6, 0.4):
        x = noise((1, 6), 7)
        again = replay.add(x, x - sigma * slopes.get(sigma, x), sigma, sigma != 0.6)
    assert again
    shares = shares_at([log_noise(sigma, True) for sigma in slopes], log_noise(0.6, True))
    slope = sum(share * slope for share, slope in zip(shares, slopes.values(), strict=True))
    x = noise((1, 6), 9)
    torch.testing.assert_close(replay.answer(2, x), x - 0.6 * slope)


def test_a_gap_at_the_end_stays_as_it_was_forecast() -> None:
    def last(number: int, sigma: float) -> bool:
        return number > 24

    stays, repaid = Run(last), Run(last, Replay(True, 1.0))
    assert torch.equal(repaid.sample(euler, SIGMAS), stays.sample(euler, SIGMAS))
    assert len(repaid.asked) == 1


def test_of_two_full_evaluations_at_the_same_sigma_the_newest_counts() -> None:
    replay = fed((1.0, True), (0.9, True), (0.8, True))
    for sigma, full in ((0.6, True), (0.6, True), (0.5, False), (0.5, False), (0.4, True)):
        slope = 2 if replay.known == 3 else 1
        again = replay.add(x_at(sigma), x_at(sigma) - slope * sigma, sigma, full)
    assert again
    for number in (5, 6):
        torch.testing.assert_close(replay.answer(number, x_at(0.5)), x_at(0.5) - 0.5)


def test_at_sigma_0_there_is_no_slope() -> None:
    replay = fed((1.0, True), (0.9, True), (0.7, False), (0.5, True))
    denoised = noise((1, 2), 3)
    assert not replay.add(x_at(0), denoised, 0.0, True)
    assert torch.equal(replay.answer(4, x_at(0)), denoised)
    for sigma, full in ((0.4, True), (0.3, False), (0.2, True)):
        again = replay.add(x_at(sigma), x_at(sigma) - sigma, sigma, full)
    assert again
    torch.testing.assert_close(replay.answer(6, x_at(0.3)), x_at(0.3) - 0.3)


@pytest.mark.parametrize("evaluations", [
    [(1.0, False), (0.95, False), (0.9, True)],
    [(0.9, True), (0.7, False), (0.6, False), (0.9, True)],
    [(1.1, True), (1.07, False), (1.03, False), (1.01, True)],  # over log-noise all above 1 is one place
    [(0.9, True), (0.7, True), (0.4, False), (0.2, False), (0.0, True)],
], ids=["at the start", "up again to the same sigma", "above sigma 1", "before sigma 0"])
def test_a_gap_between_fewer_than_two_places_is_answered(evaluations: list[tuple[float, bool]]) -> None:
    replay = fed(*evaluations, (0.3, True), (0.2, False), (0.1, True))
    for number, (sigma, _) in enumerate(evaluations):
        torch.testing.assert_close(replay.answer(number, x_at(sigma)), x_at(sigma) - sigma)


def test_a_skipped_evaluation_at_sigma_0_spoils_nothing() -> None:
    replay = fed((1.0, True), (0.9, True), (0.8, False), (0.7, True), (0.6, False), (0.0, False), (0.5, True))
    assert replay.answer(4, x_at(0.6)).isfinite().all()


def test_what_is_handed_in_is_neither_written_nor_kept() -> None:
    replay, x, denoised, known = Replay(True, 1.0), noise((2, 3), 0), noise((2, 3), 1), []
    for number in range(9):
        before = x.clone(), denoised.clone()
        replay.add(x, denoised, 1 - number / 9, number % 3 == 0)
        assert torch.equal(x, before[0]) and torch.equal(denoised, before[1])
        known.append(before)
        x.mul_(0.9)  # as samplers do that work in place
        denoised.add_(0.1)
    for number, (x, denoised) in enumerate(known):
        answer = replay.answer(number, x)
        assert number % 3 or torch.equal(answer, denoised)
        answer.zero_()
        assert torch.equal(replay.answer(number, x), replay.answer(number, x))
        assert number % 3 or torch.equal(replay.answer(number, x), denoised)


@pytest.mark.parametrize("last", range(1, 20))
def test_the_bytes_are_those_that_are_held(last: int) -> None:
    replay, wide = Replay(True, 1.0), noise((5, 4, 6, 8), 0, torch.float32)
    full = [number < 2 or number % 5 == 0 for number in range(last)]
    for number in range(last):
        x = wide[number % 4 : number % 4 + 2, :3]  # a part of something larger
        replay.add(x, wide[:2, :3], 1 - number / 20, full[number])
        assert replay.nbytes == held(replay)
    assert replay.nbytes == latents_kept(full) * x.nbytes


def held(thing: object) -> int:
    """Bytes of all tensors that are reachable from an object, each memory once."""
    seen, found, todo = set(), {}, [thing]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, type | ModuleType) or callable(each):
            continue
        seen.add(id(each))
        if isinstance(each, Tensor):
            found[each.untyped_storage().data_ptr()] = each.untyped_storage().nbytes()
        else:
            todo += gc.get_referents(each)
    return sum(found.values())


def test_a_sampler_that_goes_up_again_gains_most_with_full_steps_on_both_sides() -> None:
    sigmas, half = shifted_sigmas(50, 1.0), 25

    def skips(number: int, sigma: float) -> bool:
        return number not in (half - 1, half) and every(sigmas, 5)(number, sigma)

    for seed in range(3):
        full = Run(never, seed=seed).sample(restarting, sigmas)
        stays, repaid = ((Run(skips, kind and kind(True, 1.0), 1, seed=seed).sample(restarting, sigmas) - full).norm()
                         for kind in (None, Replay))
        assert repaid < stays / 3
