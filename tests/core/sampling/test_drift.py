"""The drift that forecasts leave is repaid: proven on an equation whose full run is known to rounding."""

import itertools
import math

import pytest
import torch
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.sampling import drift as drift_module
from tap_pack.tap_core.sampling import still_share
from tap_pack.tap_core.sampling.drift import Drift, interpolation
from tap_pack.tap_core.sampling.motion import Motion
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

ROTATION = torch.tensor([[-0.5, 1.3], [-1.3, -0.2]], dtype=torch.float64)


def true_slope(x: Tensor, sigma: float) -> Tensor:
    """dx/dsigma of a driven, rotating flow."""
    drive = torch.tensor([math.sin(3 * sigma), math.cos(2 * sigma)], dtype=torch.float64)
    return x @ ROTATION.T + drive


def shifted_sigmas(steps: int, shift: float) -> tuple[float, ...]:
    """A flow model's sigmas from 1 to 0."""
    return tuple(shift * u / (1 + (shift - 1) * u) for u in (1 - i / steps for i in range(steps + 1)))


def euler(steps: int, interval: int, drift: Drift | None, shift: float, order: int, nudge: float = 0.0) -> Tensor:
    """Euler's method, most slopes forecast by order 0 or 1; `nudge` adds what another sampler would add to a step."""
    sigmas, x, known = shifted_sigmas(steps, shift), torch.tensor([[1.0, 2.0]], dtype=torch.float64), []
    for i, (sigma, following) in enumerate(itertools.pairwise(sigmas)):
        full = i % interval == 0 or i < 3 or i == steps - 1
        if full:
            slope = true_slope(x, sigma)
            known = [(sigma, slope), *known]
        else:
            (s0, d0), (s1, d1) = known[:2]
            slope = d0 + order * (d0 - d1) / (s0 - s1) * (sigma - s0)
        denoised = x - sigma * slope
        if drift is not None:
            denoised = drift.repay(x, denoised, sigma, float(i), full)
        step = (x - denoised) / sigma * (following - sigma)
        x = x + step * (1 + nudge)
    return x


class Watched(Drift):
    """A drift and its motion, used in the order of a run."""

    def __init__(self, motion: Motion) -> None:
        super().__init__(motion)
        self.motion = motion

    def repay(self, x: Tensor, denoised: Tensor, sigma: float, position: float, full: bool) -> Tensor:
        self.motion.watch(x, position)
        denoised = super().repay(x, denoised, sigma, position, full)
        self.motion.expect(x, denoised, sigma, position)
        return denoised


def drift_of(steps: int, shift: float) -> Watched:
    return Watched(Motion(Timeline(shifted_sigmas(steps, shift))))


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("order", [0, 1])
def test_repaying_raises_the_order_of_convergence_by_about_one(shift: float, order: int) -> None:
    errors = []
    for steps in (200, 400):
        truth = euler(steps, 1, None, shift, order)
        plain = (euler(steps, 5, None, shift, order) - truth).norm()
        repaid = (euler(steps, 5, drift_of(steps, shift), shift, order) - truth).norm()
        errors.append((plain.item(), repaid.item()))
    plain_order, repaid_order = (math.log2(coarse / fine) for coarse, fine in zip(*errors, strict=True))
    assert plain_order == pytest.approx(order + 1, abs=0.25)
    # Not quite one: over log-noise the two ends of a run are drawn out.
    assert repaid_order > plain_order + 0.5
    assert errors[-1][1] < errors[-1][0] / 5


@pytest.mark.parametrize(("stiffness", "gain"), [(10.0, 1), (20.0, 10), (30.0, 10)])
def test_where_gaps_are_too_long_to_be_mended_repaying_does_not_swing(
    stiffness: float, gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(x: Tensor, sigma: float) -> Tensor:
        return stiffness * (x - torch.tensor([math.cos(3 * sigma), math.sin(2 * sigma)], dtype=torch.float64))

    monkeypatch.setitem(globals(), "true_slope", pulled)
    truth = euler(50, 1, None, 1.0, 0)
    kept_back = (euler(50, 5, drift_of(50, 1.0), 1.0, 0) - truth).norm()
    monkeypatch.setattr(drift_module, "LARGE", math.inf)
    in_full = (euler(50, 5, drift_of(50, 1.0), 1.0, 0) - truth).norm()
    assert kept_back <= in_full / gain


def test_a_run_in_which_nothing_is_skipped_keeps_the_very_tensor() -> None:
    drift, x = drift_of(10, 1.0), torch.ones(1, 2)
    for i in range(10):
        denoised = torch.full((1, 2), 0.1 * i)
        assert drift.repay(x, denoised, 1 - i / 10, float(i), full=True) is denoised


@pytest.mark.parametrize("nudge", [0.03, -0.2, 1.0])
def test_for_a_sampler_that_does_more_than_plain_steps_nothing_is_repaid(nudge: float) -> None:
    drift = drift_of(50, 1.0)
    with_drift, without = (euler(50, 5, d, 1.0, 1, nudge) for d in (drift, None))
    assert torch.equal(with_drift, without)
    assert not drift.motion.plain


def test_plain_steps_are_recognised() -> None:
    drift = drift_of(50, 3.0)
    euler(50, 5, drift, 3.0, 1)
    assert drift.motion.plain
    assert not drift.motion.noisy


def test_noise_between_steps_switches_repaying_off() -> None:
    drift, generator = drift_of(20, 1.0), torch.Generator().manual_seed(0)
    x = torch.randn(1, 64, generator=generator)
    for i in range(20):
        denoised = 0.1 * x
        assert torch.equal(drift.repay(x, denoised, 1 - i / 20, float(i), full=i % 4 == 0), denoised)
        x = x + 0.05 * torch.randn(1, 64, generator=generator)


def test_a_step_off_the_grid_forgets_what_was_skipped() -> None:
    drift, x = drift_of(10, 1.0), torch.ones(1, 2)
    drift.repay(x, 0.5 * x, 1.0, 0.0, full=True)
    drift.repay(x, 0.4 * x, 0.9, 1.0, full=False)
    drift.repay(x, 0.3 * x, 0.85, 1.5, full=True)
    denoised = 0.2 * x
    assert drift.repay(x, denoised, 0.8, 2.0, full=True) is denoised


@pytest.mark.parametrize(("still", "share"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_the_last_step_repays_what_a_half_moving_picture_would_have_left(
    still: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """still: how far the denoised picture stays still; share: of the drift that is left at sigma 0."""
    monkeypatch.setattr(still_share, "STILL_SHARE", still)
    drift, x, sigmas, slopes = drift_of(3, 1.0), torch.ones(1, 2), shifted_sigmas(3, 1.0), []
    for i, still in enumerate((0.9, 0.5)):
        denoised = still * x
        slopes.append((x - denoised) / sigmas[i])
        drift.repay(x, denoised, sigmas[i], float(i), full=i == 0)
        x = x + slopes[-1] * (sigmas[i + 1] - sigmas[i])
    last = (x - 0.3 * x) / sigmas[2]
    places = [log_noise(sigmas[i], mixed=True) for i in (2, 0, 1)]
    shares = interpolation(places[:2], [(places[2], sigmas[2] - sigmas[1])])
    left_undone = shares[0] * last + shares[1] * slopes[0] - slopes[1] * (sigmas[2] - sigmas[1])
    repaid = drift.repay(x, 0.3 * x, sigmas[2], 2.0, full=True) - 0.3 * x
    torch.testing.assert_close(repaid, share * left_undone)


def test_where_noise_is_added_to_the_picture_the_last_step_repays_nothing() -> None:
    sigmas = (8.0, 3.0, 1.0, 0.0)
    drift, x = Watched(Motion(Timeline(sigmas))), torch.ones(1, 2)
    for i, share in enumerate((0.9, 0.5)):
        denoised = share * x
        drift.repay(x, denoised, sigmas[i], float(i), full=i == 0)
        x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
    assert torch.equal(drift.repay(x, 0.3 * x, sigmas[2], 2.0, full=True), 0.3 * x)


def test_interpolation_integrates_a_cubic_exactly() -> None:
    nodes, steps = [0.3, 0.5, 0.8, 1.0], [(0.45, -0.05), (0.4, -0.1)]
    shares = interpolation(nodes, steps)
    assert sum(w * s**3 for w, s in zip(shares, nodes, strict=True)) == pytest.approx(
        sum(step * sigma**3 for sigma, step in steps)
    )
    assert sum(shares) == pytest.approx(-0.15)
