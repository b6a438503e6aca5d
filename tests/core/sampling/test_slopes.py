"""What is computed of an evaluation's slope once, for all who ask."""

from __future__ import annotations

import torch
from tap_pack.tap_core.sampling.drifts import Drifts
from tap_pack.tap_core.sampling.gaps import Gap
from tap_pack.tap_core.sampling.replay import Replay
from tap_pack.tap_core.sampling.slopes import Slopes
from torch import Tensor

SIGMAS = (1.0, 0.9, 0.8, 0.7, 0.6)


def latents(seed: int) -> tuple[Tensor, Tensor]:
    x, denoised = torch.randn(2, 1, 4, 6, 8, generator=torch.Generator().manual_seed(seed))
    return x, denoised


def test_it_is_that_of_the_tensors_that_are_given() -> None:
    slopes = Slopes()
    for seed in (1, 2):
        x, denoised = latents(seed)
        for sigma in (0.5, 0.7):
            assert torch.equal(slopes.slope(x, denoised, sigma), (x - denoised) / sigma)
            assert slopes.slope(x, denoised, sigma) is slopes.slope(x, denoised, sigma)
        assert not torch.equal(slopes.off(x, denoised.clone() + 1), slopes.off(x, denoised))


def test_what_was_written_into_counts_once_the_rest_is_forgotten() -> None:
    slopes, (x, denoised) = Slopes(), latents(1)
    slopes.slope(x, denoised, 0.5)
    denoised.mul_(2)
    assert not torch.equal(slopes.slope(x, denoised, 0.5), (x - denoised) / 0.5)
    slopes.forget()
    assert torch.equal(slopes.slope(x, denoised, 0.5), (x - denoised) / 0.5)


def test_a_gap_and_its_drift_have_one_sum_and_it_is_that_of_each_by_itself() -> None:
    slopes = Slopes()
    drifts, replay = Drifts(True, slopes), Replay(True, 1.0, slopes)
    lone, other = Drifts(True), Replay(True, 1.0)
    for number, sigma in enumerate(SIGMAS):
        x, denoised = latents(number)
        for one, again in ((drifts, replay), (lone, other)):
            one.add(x, denoised, sigma, number == 0)
            again.add(x, denoised, sigma, number == 0)
    gap, alone = replay._open_gap, other._open_gap
    assert isinstance(gap, Gap) and gap.total is drifts._gap.total
    assert torch.equal(gap.total, alone.total) and torch.equal(gap.total, lone._gap.total)
