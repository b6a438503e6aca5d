"""The positions of model evaluations, for the sigmas that samplers really use."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.timeline import SIGMA_TOLERANCE, Timeline

from trajectories import even_timeline, shifted_sigmas

FLUX = Timeline(tuple(shifted_sigmas(50)))


def walk(timeline: Timeline, asked: list[float]) -> list[float]:
    """Positions of a run that evaluates at these sigmas, each found from the one before it."""
    after, positions = 0.0, []
    for sigma in asked:
        after = timeline.position(sigma, after)
        positions.append(after)
    return positions


def test_euler_visits_every_step_once() -> None:
    assert walk(FLUX, list(FLUX.sigmas[:-1])) == list(range(50))


def test_heun_comes_twice_to_the_same_position() -> None:
    asked = [FLUX.sigmas[0]] + [s for s in FLUX.sigmas[1:-1] for _ in range(2)]
    assert walk(FLUX, asked) == [0] + [step for step in range(1, 50) for _ in range(2)]


def test_dpm_2_evaluates_between_two_steps() -> None:
    pairs = list(zip(FLUX.sigmas[:-2], FLUX.sigmas[1:-1], strict=True))
    positions = walk(FLUX, [sigma for a, b in pairs for sigma in (a, math.sqrt(a * b))])
    assert positions[::2] == list(range(49))
    assert all(step < between < step + 1 for step, between in enumerate(positions[1::2]))
    assert positions[1] == pytest.approx((FLUX.sigmas[0] - math.sqrt(pairs[0][0] * pairs[0][1])) / (1 - FLUX.sigmas[1]))


@pytest.mark.parametrize("first", [0.9999, 1.00009, 1.5])
def test_a_nudged_first_sigma_is_still_the_first_step(first: float) -> None:
    assert walk(FLUX, [first, *FLUX.sigmas[1:4]]) == [0, 1, 2, 3]


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0, 12.0])
def test_the_first_sigma_of_a_sampler_that_takes_its_log_snr_is_the_first_step(shift: float) -> None:
    """ComfyUI moves it from 1 to the sigma after 0.01 % of the run."""
    share, sigmas = 0.9999, shifted_sigmas(50, shift)
    nudged = torch.tensor(shift * share / (1 + (shift - 1) * share), dtype=torch.float32).item()
    assert walk(Timeline(tuple(sigmas)), [nudged, *sigmas[1:4]]) == [0, 1, 2, 3]


def test_steps_that_are_close_together_are_distinguished() -> None:
    """As at the start of a run with a high shift and scheduler beta."""
    sigmas = (1.0, 0.99985, 0.9997, 0.9992, 0.9, 0.5, 0.0)
    asked = torch.tensor(sigmas[:-1], dtype=torch.float32).tolist()
    assert walk(Timeline(sigmas), asked) == list(range(6))


def test_a_sigma_in_single_precision_is_still_on_its_step() -> None:
    asked = torch.tensor(FLUX.sigmas[:-1], dtype=torch.float32).tolist()
    assert walk(FLUX, asked) == list(range(50))


def test_steps_with_the_same_sigma_are_one_moment() -> None:
    assert walk(Timeline((1.0, 0.5, 0.5, 0.2, 0.0)), [1.0, 0.5, 0.5, 0.2]) == [0, 1, 1, 3]


def test_a_sigma_that_returns_is_the_step_ahead() -> None:
    """Restart samplers go back to a noisier picture and come down again."""
    sigmas = (1.0, 0.6, 0.3, 0.6, 0.3, 0.6, 0.3, 0.0)
    assert walk(Timeline(sigmas), list(sigmas[:-1])) == list(range(7))


def test_ascending_sigmas_are_followed_upwards() -> None:
    timeline = Timeline(tuple(reversed(FLUX.sigmas)))
    assert walk(timeline, list(timeline.sigmas[:-1])) == list(range(50))
    assert 3 < timeline.position((timeline.sigmas[3] + timeline.sigmas[4]) / 2, after=3.0) < 4


def test_a_single_step_has_two_positions() -> None:
    timeline = Timeline((0.7, 0.0))
    assert (timeline.steps, timeline.position(0.7), timeline.position(0.0)) == (1, 0, 1)


@pytest.mark.parametrize(("sigma", "nearest"), [(14.0, 0), (-1.0, 50)])
def test_a_sigma_outside_the_run_is_the_nearest_step(sigma: float, nearest: int) -> None:
    assert FLUX.position(sigma, after=20.0) == nearest


@given(
    st.lists(st.floats(0.01, 0.2), min_size=2, max_size=40),
    st.floats(0, 1),
    st.booleans(),
)
def test_position_finds_the_coordinate_it_came_from(gaps: list[float], share: float, rising: bool) -> None:
    sigmas = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
    timeline = Timeline(tuple(sigmas if rising else reversed(sigmas)), "sigma")
    asked = share * timeline.steps
    sigma = timeline.coordinate(asked)
    assume(sigma > 0.005)  # towards sigma 0 the relative tolerance becomes a whole step
    found = timeline.position(sigma, after=asked)
    # Exactly there, or at the step whose sigma this is up to the tolerance.
    snapped = found == int(found) and math.isclose(timeline.sigmas[int(found)], sigma, rel_tol=SIGMA_TOLERANCE)
    assert snapped or found == pytest.approx(asked, abs=1e-6)
    assert abs(found - asked) < 0.25


@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from(["step", "sigma"]))
def test_on_the_grid_a_coordinate_is_the_step_or_its_sigma(steps: int, step: int, axis: str) -> None:
    assume(step <= steps)
    timeline = even_timeline(steps, axis)
    assert timeline.coordinate(step) == (step if axis == "step" else timeline.sigmas[step])


def test_between_steps_sigma_is_linear_and_beyond_the_ends_it_is_held() -> None:
    timeline = Timeline((1.0, 0.6, 0.0), "sigma")
    assert [timeline.coordinate(p) for p in (-3, 0.25, 1.5, 2, 7)] == pytest.approx([1, 0.9, 0.3, 0, 0])


@pytest.mark.parametrize("sigmas", [(), (1.0,), (1.0, math.nan), (math.inf, 0.0)])
def test_sigmas_that_are_no_run_are_named(sigmas: tuple[float, ...]) -> None:
    with pytest.raises(TapError, match="at least two finite sigmas"):
        Timeline(sigmas)


def test_an_unknown_axis_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TapError, match="time_axis is 'logsnr'; choose one of step, sigma"):
        Timeline((1.0, 0.0), "logsnr")


def test_where_positions_share_a_sigma_steps_keep_them_apart() -> None:
    timeline = Timeline((1.0, 0.5, 0.5, 0.2, 0.0), "sigma")
    assert timeline.separating([3, 2, 0]) is timeline
    assert timeline.separating([2, 1, 0]).axis == "step"
