"""Which step an evaluation belongs to, where the model may be told another sigma than the sampler's."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.sampling.pace import Pace
from tap_pack.tap_core.timeline import Timeline

from trajectories import even_timeline, shifted_sigmas

EVEN = even_timeline(20)
FLUX = Timeline(tuple(shifted_sigmas(20)))


def walk(pace: Pace, asked: list[float], each: int = 1) -> list[float]:
    """Positions of evaluations at these sigmas; the sampler says after every `each`-th that a step is evaluated."""
    positions = []
    for number, sigma in enumerate(asked):
        pace.begin(sigma)
        positions.append(pace.position)
        if number % each == 0:
            pace.told()
    return positions


@pytest.mark.parametrize("timeline", [EVEN, FLUX], ids=["even", "shifted"])
@pytest.mark.parametrize("factor", [0.9, 0.97, 0.999, 1.001, 1.03, 1.1])
def test_a_shifted_sigma_is_its_step(timeline: Timeline, factor: float) -> None:
    pace = Pace(timeline)
    assert walk(pace, [factor * sigma for sigma in timeline.sigmas[:-1]]) == list(range(20))
    assert pace.shifted and pace.follows and pace.sigma == timeline.sigmas[19]


@pytest.mark.parametrize("first", range(20))
@pytest.mark.parametrize("factor", [0.95, 1.02])
def test_a_shift_may_begin_at_any_step(first: int, factor: float) -> None:
    pace = Pace(FLUX)
    asked = [sigma * (factor if step >= first else 1) for step, sigma in enumerate(FLUX.sigmas[:-1])]
    positions = walk(pace, asked)
    assert pace.follows
    assert positions == [step if (step, first, factor > 1) != (1, 1, True) else pytest.approx(1, abs=1)
                         for step in range(20)]


def test_only_a_rising_sigma_is_doubted_and_only_once() -> None:
    for factor, doubted in ((0.98, []), (1.02, [1])):
        pace, found = Pace(FLUX), []
        for step, sigma in enumerate(FLUX.sigmas[:-1]):
            pace.begin(factor * sigma)
            pace.told()
            found += [step] * pace.doubt
        assert found == doubted


@pytest.mark.parametrize("middle", ["next", "between"])
def test_a_sampler_with_two_evaluations_a_step_is_found_by_its_sigmas(middle: str) -> None:
    asked = [s for a, b in pairwise(FLUX.sigmas[:-1]) for s in (a, b if middle == "next" else (a * b) ** 0.5)]
    pace = Pace(FLUX)
    positions = walk(pace, asked, each=2)
    assert positions[::2] == list(range(19)) and not pace.shifted and pace.follows and not pace.doubt


def test_a_sampler_with_steps_of_its_own_is_doubted_and_not_followed() -> None:
    pace, followed = Pace(EVEN), []
    for number, sigma in enumerate([1.0, 0.93, 0.87, 0.79, 0.61, 0.33, 0.02]):
        pace.begin(sigma)
        followed.append(pace.follows)
        assert pace.doubt == (number == 1)
        if number % 3 == 0:
            pace.told()
    assert followed[:2] == [True, True] and not any(followed[2:])


def test_a_sampler_that_says_nothing_is_found_by_its_sigmas() -> None:
    pace = Pace(EVEN)
    for sigma in (1.0, 0.98, 0.93):
        pace.begin(sigma)
    assert not pace.follows


def test_more_evaluations_than_steps_are_not_followed() -> None:
    pace = Pace(even_timeline(3))
    walk(pace, [0.98, 0.6, 0.3, 0.2])
    assert not pace.follows


def test_a_sampler_that_keeps_to_its_sigmas_is_presumed_to_go_on() -> None:
    pace, presumed = Pace(FLUX), []
    for sigma in FLUX.sigmas[:-1]:
        presumed.append(pace.expected)
        pace.begin(sigma)
        pace.told()
    assert presumed == [None, None, None, *FLUX.sigmas[3:-1]]


def test_two_evaluations_a_step_are_never_presumed() -> None:
    """As Heun's method and dpm_2 have; the sampler says once a step that it is evaluated."""
    for between in (lambda now, after: after, lambda now, after: (now * after) ** 0.5):
        pace = Pace(FLUX)
        for now, after in pairwise(FLUX.sigmas[:-1]):
            for number, sigma in enumerate((now, between(now, after))):
                assert pace.expected is None
                pace.begin(sigma)
                if not number:
                    pace.told()


def test_a_sigma_that_was_not_the_expected_one_ends_it() -> None:
    pace = Pace(FLUX)
    walk(pace, list(FLUX.sigmas[:4]))
    assert pace.expected == FLUX.sigmas[4]
    pace.confirm(FLUX.sigmas[4], torch.tensor(FLUX.sigmas[4]))
    assert pace.expected == FLUX.sigmas[4]
    pace.confirm(FLUX.sigmas[4], torch.tensor(FLUX.sigmas[4] * 0.97))
    assert pace.expected is None
    pace = Pace(FLUX)
    walk(pace, [*FLUX.sigmas[:4], FLUX.sigmas[4] * 0.97])
    assert pace.expected is None
