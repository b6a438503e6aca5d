"""What a gap drifted: on slopes whose interpolation is known by hand."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.sampling.drifts import NOT_REPAID, ONE_STEP, REPAID, UNDER_NOISE, Drifts, latents_kept
from torch import Tensor

SIGMAS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
SHAPE = (2, 3, 4)
# The pictures of the batch have other slopes.
START, BEND = torch.full(SHAPE, 1.0), torch.stack([torch.full(SHAPE[1:], 0.5), torch.full(SHAPE[1:], 2.0)])


def slope(sigma: float) -> Tensor:
    """A parabola over log-noise, which interpolation through three full steps meets exactly."""
    place = log_noise(sigma, True)
    return START + BEND * place**2


def run(full: str, wrong: float, counts: float = REPAID) -> Drifts:
    """A run of full (f) and skipped (s) steps, whose forecast slopes are `wrong` too large; its picture is all ones."""
    drifts = Drifts(mixed=True)
    for sigma, kind in zip(SIGMAS, full, strict=False):
        forecast = slope(sigma) + (wrong if kind == "s" else 0.0)
        denoised = torch.ones(SHAPE)
        drifts.add(denoised + sigma * forecast, denoised, sigma, kind == "f", counts)
    return drifts


def test_before_a_gap_is_closed_nothing_is_known() -> None:
    assert run("ffss", 0.3).both is None
    assert run("ffff", 0.3).both is None


def test_a_gap_drifts_by_the_mean_error_of_its_slopes_over_its_way() -> None:
    total, latest = run("fffssf", 0.3).both
    # From the first skipped step at 0.6 to the full one at 0.4.
    assert total.tolist() == pytest.approx([(0.3 * 0.2) ** 2] * 2, rel=1e-4)
    assert latest.tolist() == total.tolist()


def test_right_forecasts_drift_nowhere() -> None:
    assert run("fffssf", 0.0).both.abs().max() < 1e-12


def test_gaps_add_up() -> None:
    total, latest = run("fffssfssf", 0.3).both
    assert total[0].item() == pytest.approx(latest[0].item() + (0.3 * 0.2) ** 2, rel=1e-4)


@pytest.mark.parametrize("counts", [NOT_REPAID, UNDER_NOISE])
def test_what_is_not_repaid_counts_more(counts: float) -> None:
    total, _ = run("fffssf", 0.3, counts).both
    assert total.tolist() == pytest.approx([(0.3 * 0.2 * counts) ** 2] * 2, rel=1e-4)


def test_a_gap_after_a_single_full_step_counts_less() -> None:
    flat = Drifts(mixed=True)
    for sigma, kind in zip(SIGMAS, "fsf", strict=False):
        wrong = 0.3 if kind == "s" else 0.0
        flat.add(torch.ones(SHAPE) * (1 + sigma * (1 + wrong)), torch.ones(SHAPE), sigma, kind == "f")
    assert flat.both[0].tolist() == pytest.approx([(0.3 * 0.1 * ONE_STEP) ** 2] * 2, rel=1e-4)


def test_a_full_step_behind_another_surprises_by_how_far_it_is_off_the_line_before_it() -> None:
    places = [log_noise(sigma, True) for sigma in SIGMAS[:3]]
    line = [1 + (places[2] - places[1]) / (places[1] - places[0]), -(places[2] - places[1]) / (places[1] - places[0])]
    off = slope(0.7) - line[0] * slope(0.8) - line[1] * slope(0.9)
    assert run("fff", 0.0).surprise.tolist() == pytest.approx(off.square().mean((1, 2)).tolist(), rel=1e-3)
    assert run("ff", 0.0).surprise.tolist() == pytest.approx(
        (slope(0.8) - slope(0.9)).square().mean((1, 2)).tolist(), rel=1e-3)


@pytest.mark.parametrize("full", ["f", "fs", "fsf", "fffssf"])
def test_other_steps_surprise_by_nothing_that_is_known(full: str) -> None:
    assert run(full, 0.0).surprise is None


def test_a_level_that_is_evaluated_again_is_no_surprise() -> None:
    drifts = Drifts(mixed=True)
    for sigma in (0.9, 0.8, 0.8):
        drifts.add(torch.ones(SHAPE), torch.zeros(SHAPE), sigma, True)
    assert drifts.surprise is None


def changed(full: str, jump: float) -> Drifts:
    """A run whose conditions change at the second full step behind a gap: from there on slopes are larger by `jump`."""
    drifts, at = Drifts(mixed=True), 6
    for number, (sigma, kind) in enumerate(zip(SIGMAS, full, strict=False)):
        forecast = slope(sigma) + (0.3 if kind == "s" else 0.0) + (jump if number >= at else 0.0)
        if number == at:
            drifts.breaks()
        drifts.add(1 + sigma * forecast, torch.ones(SHAPE), sigma, kind == "f")
    return drifts


def test_a_gap_across_which_slopes_jump_counts_as_much_as_the_one_before() -> None:
    drifts, (before, _) = changed("fffsfsf", 20.0), run("fffsf", 0.3).both
    total, latest = drifts.both
    assert total.tolist() == pytest.approx((2 * before).tolist()) and latest.tolist() == pytest.approx(before.tolist())
    assert drifts.unmeasured == 1


def test_of_a_run_whose_only_gap_has_a_jump_nothing_is_known() -> None:
    drifts = changed("fffffsf", 20.0)
    assert drifts.both is None and drifts.unmeasured == 1 and not drifts.open


def test_across_a_small_change_gaps_are_measured() -> None:
    assert changed("fffsfsf", 0.01).both[0].tolist() == pytest.approx(run("fffsfsf", 0.3).both[0].tolist(), rel=0.1)


def test_after_a_jump_gaps_are_measured_by_what_came_after_it() -> None:
    drifts, (before, _) = changed("fffsfsfsf", 20.0), run("fffsf", 0.3).both
    total, latest = drifts.both
    assert total.tolist() == pytest.approx((before + 2 * latest).tolist(), rel=1e-4) and drifts.unmeasured == 0
    # A line through two full steps in place of a parabola through three, and a gap after one full step.
    assert (latest < before).all() and (latest > 0).all()


def test_it_does_not_write_into_what_it_is_given() -> None:
    drifts, given = Drifts(mixed=True), []
    for sigma, kind in zip(SIGMAS, "fffssfsf", strict=False):
        x, denoised = torch.randn(SHAPE), torch.randn(SHAPE)
        given.append((x, x.clone(), denoised, denoised.clone()))
        drifts.add(x, denoised, sigma, kind == "f")
    assert all(torch.equal(x, x_was) and torch.equal(d, d_was) for x, x_was, d, d_was in given)


@pytest.mark.parametrize("full", ["fffssf", "fsf", "fssfssf", "ffssffff", "ff", "fffffs"])
def test_as_many_latents_are_kept_as_expected(full: str) -> None:
    drifts, steps = Drifts(mixed=True), [kind == "f" for kind in full]
    for number, (sigma, step) in enumerate(zip(SIGMAS, steps, strict=False)):
        drifts.add(torch.randn(SHAPE), torch.randn(SHAPE), sigma, step)
        assert drifts.nbytes == latents_kept(steps[: number + 1]) * START.nbytes


def test_it_tells_whether_the_last_steps_were_skipped() -> None:
    assert run("fffss", 0.3).open and not run("fffssf", 0.3).open
