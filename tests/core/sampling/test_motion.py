"""How far a sampler's steps end off plain ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tap_pack.tap_core.sampling.motion import Motion
from tap_pack.tap_core.timeline import Timeline

SIGMAS = tuple(1 - i / 10 for i in range(11))
# From a plain step's way, and its number: how far x goes beside it.
Off = Callable[[torch.Tensor, int], torch.Tensor]


def moved(off: Off, every: int = 1) -> Motion:
    """The motion of a run whose steps end off plain ones; it is looked at after one in `every` steps."""
    generator = torch.Generator().manual_seed(3)
    motion, x = Motion(Timeline(SIGMAS)), torch.randn(1, 4, 8, 8, generator=generator)
    for step, sigma in enumerate(SIGMAS[:-1]):
        motion.watch(x, float(step))
        if step % every == 0:
            _ = motion.turned
        denoised = torch.randn(x.shape, generator=generator)
        motion.expect(x, denoised, sigma, float(step))
        way = (x - denoised) / sigma * (SIGMAS[step + 1] - sigma)
        x = x + way + off(way, step)
    return motion


def later(share: float) -> Off:
    """Beside the step by a share of it, but for the first one, as multistep samplers do."""
    return lambda way, step: way * share * (step > 0)


def test_plain_steps_do_not_turn() -> None:
    assert moved(lambda way, step: way * 0).turned == pytest.approx(0.0, abs=1e-6)
    assert Motion(Timeline(SIGMAS)).turned is None


@pytest.mark.parametrize("share", [0.05, 0.4, 1.5])
@pytest.mark.parametrize("every", [1, 4])
def test_the_mean_share_of_the_step_is_told(share: float, every: int) -> None:
    # Nine steps are watched, and the first of them is plain.
    assert float(moved(later(share), every).turned) == pytest.approx(share * 8 / 9, rel=1e-4)


def test_noise_is_no_turn() -> None:
    noise = torch.Generator().manual_seed(5)
    motion = moved(lambda way, step: torch.randn(way.shape, generator=noise) * 0.3)
    assert float(motion.renewed) > 0.01 and float(motion.turned) == 0.0


def test_noise_in_the_middle_of_a_run_is_no_turn_once_it_is_known() -> None:
    noise = torch.Generator().manual_seed(5)
    motion = moved(lambda way, step: torch.randn(way.shape, generator=noise) * 0.3 * (3 < step < 7))
    assert float(motion.turned) > 0.1
    motion.adds_noise = True
    assert float(motion.turned) == 0.0


def test_a_step_counts_once_and_its_middle_does_not() -> None:
    motion, x = Motion(Timeline(SIGMAS)), torch.ones(1, 4, 8, 8)
    motion.expect(x, x * 0, SIGMAS[0], 0.0)
    motion.watch(x * 0.95, 0.5)
    assert motion.turned is None
    motion.expect(x, x * 0, SIGMAS[0], 0.0)
    for _ in range(2):  # a replay is foreseen at the first step, and watched again
        motion.watch(x * 0.9, 1.0)
    motion.expect(x, x * 0, SIGMAS[1], 1.0)
    motion.watch(x * (1 - 0.1 / 0.9 * 1.5), 2.0)
    assert float(motion.turned) == pytest.approx(0.25, rel=1e-3)


def test_a_turn_in_every_step_and_a_step_of_no_length_are_no_error() -> None:
    assert torch.isfinite(moved(lambda way, step: way * 0 if step else way * -1).turned)
