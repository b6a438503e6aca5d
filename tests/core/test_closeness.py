"""The line from a run's drift to its closeness, in figures and in words."""

from __future__ import annotations

import math

import pytest
from tap_pack.tap_core.closeness import (
    ANOTHER,
    CALM,
    DETAIL,
    ENOUGH_STEPS,
    GUIDED,
    LEAST,
    MOST,
    MOST_RENEWED,
    NOISY,
    OF_ONE_MODEL,
    PER_DOUBLING,
    REDRAWN,
    SAME,
    SHORT,
    TURNING,
    USUAL,
    WEAK,
    Closeness,
    Line,
)

LINES = [Line(), Line(twice=1.0), Line(twice=0.5, open_end=True), Line(turned=0.5), Line(guidance=6.0), Line(steps=8.0)]


@pytest.mark.parametrize("line", LINES, ids=str)
@pytest.mark.parametrize("decibels", [12.0, 28.0, 32.0, 42.0, 60.0])
def test_the_drift_of_a_closeness_has_that_closeness(line: Line, decibels: float) -> None:
    assert line.closeness(line.drift(decibels)).decibels == pytest.approx(decibels)


@pytest.mark.parametrize("line", LINES, ids=str)
def test_more_drift_is_never_closer(line: Line) -> None:
    found = [line.closeness(10 ** (power / 4)).decibels for power in range(-40, 9)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (MOST if line.twice else pytest.approx(found[0]), LEAST)


@pytest.mark.parametrize(("line", "spread"), [
    (Line(), USUAL), (Line(turned=CALM), USUAL), (Line(turned=1.01 * CALM, noisy=True), TURNING),
    (Line(noisy=True), NOISY), (Line(renewed=True), NOISY), (Line(noisy=True, closer=3.0), OF_ONE_MODEL)], ids=str)
def test_where_pictures_mostly_lie_depends_on_what_the_sampler_does(line: Line, spread: tuple[float, float]) -> None:
    close = line.closeness(1e-2)
    assert (close.decibels - close.low, close.high - close.decibels) == pytest.approx(spread)
    assert Line().closeness(1e9).low >= 0


def test_strong_guidance_and_few_steps_make_more_of_a_drift() -> None:
    plain = Line().closeness(1e-3).decibels
    guided = [Line(guidance=WEAK * 2**n).closeness(1e-3).decibels for n in range(-1, 3)]
    assert guided == pytest.approx([plain, plain, plain - GUIDED, plain - 2 * GUIDED])
    short = [Line(steps=ENOUGH_STEPS / 2**n).closeness(1e-3).decibels for n in range(-1, 3)]
    assert short == pytest.approx([plain, plain, plain - SHORT, plain - 2 * SHORT])
    assert Line(guidance=6.0, steps=8.0).drift(42.0) < Line().drift(42.0)


def test_a_model_whose_pictures_are_closer_is_told_so_and_may_drift_more() -> None:
    for line in (Line(), Line(closer=10.0), Line(closer=-10.0)):
        assert line.closeness(1e-4).decibels == pytest.approx(Line().closeness(1e-4).decibels + line.closer)
        assert line.closeness(line.drift(45.0)).decibels == pytest.approx(45.0)
    assert Line(closer=10.0).drift(45.0) > 5 * Line().drift(45.0)


def test_where_steps_end_off_plain_ones_a_drift_makes_more() -> None:
    calm = Line().closeness(1e-5).decibels
    turned = [Line(turned=CALM * 2**n).closeness(1e-5).decibels for n in range(3)]
    assert turned == pytest.approx([calm, calm - PER_DOUBLING, calm - 2 * PER_DOUBLING])
    assert Line(turned=CALM / 3).closeness(1e-5).decibels == pytest.approx(calm)


def test_a_sampler_that_draws_all_noise_anew_is_never_called_close() -> None:
    assert Line(renewed=True).closeness(1e-9).decibels == MOST_RENEWED
    assert Line(renewed=True).closeness(1e3).decibels == LEAST


@pytest.mark.parametrize("drift", [math.nan, math.inf, -1.0])
def test_no_figure_is_made_up(drift: float) -> None:
    assert Line().closeness(drift) is None


def test_no_drift_at_all_is_the_closest_that_is_told() -> None:
    assert Line().closeness(0.0).decibels == MOST


@pytest.mark.parametrize(("decibels", "words"), [
    (47.0, SAME), (40.0, SAME), (39.6, SAME), (39.4, DETAIL), (32.0, DETAIL), (31.0, REDRAWN), (22.0, REDRAWN),
    (21.4, ANOTHER),
])
def test_word_and_figure_never_contradict_each_other(decibels: float, words: str) -> None:
    assert str(Closeness(decibels, 0.0, 99.0)) == f"{words} (about {decibels:.0f} dB)"
