"""Whether a sampler evaluates several latents at one noise level."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.sampling.levels import Levels
from tap_pack.tap_core.sampling.motion import Motion
from torch import Tensor

from trajectories import even_timeline

TIMELINE = even_timeline(10)
PICTURE, NOISE, OTHER = torch.randn(3, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def walk(asked: list[tuple[int, Tensor]]) -> tuple[Levels, Motion, list[int]]:
    """Evaluations of x at steps, whose answer is always the same picture; and the number of each one's latent."""
    levels, motion, latents = Levels(), Motion(TIMELINE), []
    for step, x in asked:
        motion.watch(x, float(step))
        levels.begin(float(step), TIMELINE.sigmas[step])
        if levels.repeats:
            levels.judge(motion)
        latents.append(levels.latent)
        motion.expect(x, PICTURE, TIMELINE.sigmas[step], float(step))
    return levels, motion, latents


def at(step: int, picture: Tensor = PICTURE, noise: Tensor = NOISE) -> Tensor:
    """A mix of picture and noise."""
    sigma = TIMELINE.sigmas[step]
    return sigma * noise + (1 - sigma) * picture


def test_a_level_that_is_evaluated_again_a_little_off_has_one_latent() -> None:
    asked = [(0, at(0)), *((step, at(step) + 0.02 * off * OTHER) for step in range(1, 10) for off in (1, 0))]
    levels, motion, latents = walk(asked)
    assert not levels.apart and set(latents) == {0} and not levels.unclear
    assert not bool(motion.noisy)


def test_new_noise_at_a_level_is_another_latent_and_noise() -> None:
    asked = [(step, at(step, noise=noise)) for step in range(5) for noise in (NOISE, OTHER)]
    levels, motion, latents = walk(asked)
    assert levels.apart and latents == [0, 1] * 5 and bool(motion.noisy)


def test_a_second_picture_is_known_once_its_level_shows_it() -> None:
    asked = [(step, at(step, picture)) for step in range(3) for picture in (PICTURE, OTHER)]
    levels, _, latents = walk(asked)
    assert latents == [0, 0, 0, 1, 0, 1] and levels.apart


@pytest.mark.parametrize("again", [True, False])
def test_after_a_first_level_that_tells_nothing_only_the_next_one_is_unclear(again: bool) -> None:
    levels, motion = Levels(), Motion(TIMELINE)
    unclear = []
    for step, x in [(0, at(0)), (0, at(0)), (1, at(1)), *[(1, at(1))] * again, (2, at(2)), (3, at(3))]:
        motion.watch(x, float(step))
        levels.begin(float(step), TIMELINE.sigmas[step])
        unclear.append((step, levels.unclear))
        if levels.repeats:
            levels.judge(motion)
        motion.expect(x, PICTURE, TIMELINE.sigmas[step], float(step))
    assert {step for step, one in unclear if one} == {1}
