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
from tap_pack.tap_core.sampling.replay import Replay, latents_kept
from torch import Tensor

from replayed_flows import NOISY, SAMPLERS, WITHOUT_NOISE, Run, Sampler, error, euler, every, never, restarting
from trajectories import noise, shifted_sigmas

SIGMAS = shifted_sigmas(30)


def named(*samplers: Sampler) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sampler", samplers, ids=lambda sampler: sampler.__name__)


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
    """And up to the first gap exactly as it went at first."""
    run = Run(every(SIGMAS, 5), Replay(True, 1.0))
    run.sample(sampler, SIGMAS)
    first_gap = next(i for i, sigma in enumerate(run.told) if every(SIGMAS, 5)(i, sigma))
    assert run.replay.before_gaps == first_gap
    for latest in run.asked:
        assert all(run.replay.comes_to(i, x) for i, x in enumerate(latest[:first_gap]))
        assert not any(run.replay.comes_to(i, x + 1e-9) for i, x in enumerate(latest[:first_gap]))
    for before, latest in pairwise(run.asked):
        alike = [torch.equal(*each) for each in zip(before, latest, strict=False)]
        last = alike.index(False) - 1  # alike up to here, the first skipped step of the newest gap
        assert not every(SIGMAS, 5)(last - 1, run.told[last - 1])
        assert all(every(SIGMAS, 5)(i, run.told[i]) for i in range(last, len(alike) - 1))


def test_a_gap_at_the_end_stays_as_it_was_forecast() -> None:
    def last(number: int, sigma: float) -> bool:
        return number > 24

    stays, repaid = Run(last), Run(last, Replay(True, 1.0))
    assert torch.equal(repaid.sample(euler, SIGMAS), stays.sample(euler, SIGMAS))
    assert len(repaid.asked) == 1


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


@pytest.mark.parametrize("guidance", [1.0, 2.0])
@pytest.mark.parametrize("last", range(1, 20))
def test_the_bytes_are_those_that_are_held(last: int, guidance: float) -> None:
    replay, wide = Replay(True, guidance), noise((5, 4, 6, 8), 0, torch.float32)
    full = [number < 2 or number % 5 == 0 for number in range(last)]
    for number in range(last):
        x = wide[number % 4 : number % 4 + 2, :3]  # a part of something larger
        replay.add(x, wide[:2, :3], 1 - number / 20, full[number])
        assert replay.nbytes == held(replay)
    assert replay.nbytes == latents_kept(full, guidance == 1.0) * x.nbytes


def test_without_guidance_nothing_of_a_settled_gap_is_kept() -> None:
    """But under fresh noise, which buries a part of each drift."""
    full = [number % 5 == 0 for number in range(16)]
    kept = {(guidance, noisy): Replay(True, guidance) for guidance in (1.0, 2.0) for noisy in (False, True)}
    for (_, noisy), replay in kept.items():
        replay.noisy = noisy
        for number in range(16):
            replay.add(noise((1, 3), number), noise((1, 3), 50 + number), 1 - number / 20, full[number])
    latents = {each: replay.nbytes // noise((1, 3), 0).nbytes for each, replay in kept.items()}
    assert latents == {(1.0, False): 8, (1.0, True): 14, (2.0, False): 14, (2.0, True): 14}
    assert [each for each, replay in kept.items() if replay.repays_all] == [(1.0, False)]


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
