"""Of large drifts a part stays, so that the picture does not swing; small ones are repaid in full."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.sampling.replay import Replay
from tap_pack.tap_core.sampling.restraint import Restraint
from torch import Tensor

from replayed_flows import START, Run, Sampler, dpmpp_2m, driven, error, euler, every, multistep, pulled
from trajectories import shifted_sigmas

EVEN = shifted_sigmas(50, 1.0)
TRUE = torch.tensor([[1.0, -1.0, 1.0, 1.0]], dtype=torch.float64)
LOST = 10 ** (0.3 / 20)  # repaying may cost 0.3 dB
ASIDE = torch.tensor([[1.0, 1.0, 1.0, -1.0]], dtype=torch.float64)  # at a right angle to TRUE


def repaid(errors: Sequence[float], guidance: float | None) -> list[float]:
    """The share of each drift that is repaid. errors: of each gap's forecast slope, as shares of the slope; 1 picture.

    Every full step shows the slope TRUE, so that the re-estimated slopes are TRUE wherever nothing is held back.
    """
    replay, sigma, gaps = Replay(True, guidance), 1.0, []

    def evaluate(slope: Tensor, full: bool) -> None:
        nonlocal sigma
        replay.add(TRUE, TRUE - sigma * slope, sigma, full)
        sigma -= 0.02

    for _ in range(3):
        evaluate(TRUE, True)
    for share in errors:
        gaps.append((replay.known, sigma, share))
        evaluate(TRUE + share * ASIDE, False)
        evaluate(TRUE, True)
    return [1 - float(((TRUE - replay.answer(number, TRUE)) / sigma - TRUE)[0, 0]) / share
            for number, sigma, share in gaps]


@pytest.mark.parametrize("errors", [(0.01,), (3.0, 0.2, 0.01), (-0.1, -0.2), (0.2, -0.2, 0.2)])
def test_without_guidance_drifts_are_repaid_in_full(errors: tuple[float, ...]) -> None:
    assert repaid(errors, 1.0) == pytest.approx([1] * len(errors))


@pytest.mark.parametrize("guidance", [1.5, 2.0, 4.0, 7.0])
def test_large_drifts_are_repaid_least(guidance: float) -> None:
    shares = [repaid([share] * 3, guidance) for share in (0.01, 0.3, 1.0, 3.0)]
    for smaller, larger in pairwise(shares):
        assert all(0 <= more < less <= 1 for less, more in zip(smaller, larger, strict=True))


def test_with_more_guidance_less_is_repaid_and_unknown_guidance_counts_as_strong() -> None:
    shares = [repaid([0.1, -0.1], guidance) for guidance in (1.0, 2.0, 4.0, 7.0)]
    for weaker, stronger in pairwise(shares):
        assert all(more < less for less, more in zip(weaker, stronger, strict=True))
    assert repaid([0.1, -0.1], None) == shares[2]


@pytest.mark.parametrize("guidance", [0.0, 0.9, -2.0])
def test_guidance_below_one_counts_as_none(guidance: float) -> None:
    assert repaid([0.1, 0.5], guidance) == repaid([0.1, 0.5], 1.0)


def test_where_nothing_drifts_nothing_is_held_back_and_all_stays_finite() -> None:
    replay = Replay(True, 2.0)
    for number in range(12):
        replay.add(TRUE, TRUE - (1 - number / 12) * TRUE, 1 - number / 12, number < 3 or number % 2 == 1)
    for number in range(replay.known):
        torch.testing.assert_close(replay.answer(number, TRUE), TRUE - (1 - number / 12) * TRUE)


# Repaid in full, the errors are 40 to 300 times those of a run that repays nothing; at guidance 2, 1 to 3 times.
@pytest.mark.parametrize("guidance", [4.0, 7.0])
@pytest.mark.parametrize("sampler", [euler, multistep, dpmpp_2m], ids=lambda sampler: sampler.__name__)
def test_where_gaps_are_too_long_to_be_mended_the_picture_does_not_swing(sampler: Sampler, guidance: float) -> None:
    stays, restrained = (error(sampler, EVEN, replay, 0, flow=pulled(20.0))
                         for replay in (None, Replay(True, guidance)))
    assert restrained < LOST * stays


@pytest.mark.parametrize("sampler", [euler, multistep, dpmpp_2m], ids=lambda sampler: sampler.__name__)
def test_where_gaps_can_be_mended_restraint_leaves_a_gain(sampler: Sampler) -> None:
    stays, restrained = (error(sampler, EVEN, replay, 0, flow=pulled(8.0)) for replay in (None, Replay(True, 4.0)))
    assert restrained < 0.6 * stays


@pytest.mark.parametrize("sampler", [euler, multistep, dpmpp_2m], ids=lambda sampler: sampler.__name__)
def test_where_nothing_is_repaid_the_sampler_goes_the_way_that_was_forecast(
        sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A multistep sampler too: the evaluation before a full step, from which it goes on, stays as it was."""
    monkeypatch.setattr(Restraint, "share", lambda *_: torch.zeros(1, 1, dtype=torch.float64))
    stays, replayed = (Run(every(EVEN, 3), replay).sample(sampler, EVEN) for replay in (None, Replay(True, 4.0)))
    torch.testing.assert_close(replayed, stays)


def test_each_picture_of_a_batch_is_restrained_by_itself() -> None:
    flows = (driven, pulled(20.0), driven)

    def side_by_side(x: Tensor, sigma: float) -> Tensor:
        return torch.cat([flow(one, sigma) for flow, one in zip(flows, x.split(1), strict=True)])

    def picture(flow: object, x: Tensor) -> Tensor:
        return Run(every(EVEN, 5), Replay(True, 2.0), 0, flow).sample(euler, EVEN, x)

    starts = torch.cat([START, START, 2 * START])
    alone = [picture(flow, x) for flow, x in zip(flows, starts.split(1), strict=True)]
    torch.testing.assert_close(picture(side_by_side, starts), torch.cat(alone))


def test_where_the_noise_rises_no_more_than_the_drift_is_repaid() -> None:
    drift, moved = 0.01 * ASIDE, TRUE
    share = Restraint(4.0).share(drift, moved, 0.6, 0.4)
    torch.testing.assert_close(share, torch.ones_like(share), atol=1e-4, rtol=0)
