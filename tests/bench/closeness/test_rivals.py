"""The default quality against others with as many calls: what is measured, what compares, what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
import torch
from tap_pack.tap_core.sampling.settings import TapSettings

from closeness import rivals, rivals_table
from closeness.courses import COURSES, DEFAULT, TWO_MODELS, course_of
from methods.dials import DialTurner, known_count
from models.stage import Course, Take

STEPS = 20


class Fake:
    """A stage on which quality computes 9 steps, EasyCache 20 less than its threshold in tenths, others as planned."""

    def __init__(self, computed: int = 9) -> None:
        self.name, self.computed, self.asked = "words", computed, []

    def takes(self, numbers: Sequence[int], course: Course, settings: TapSettings | None = None) -> list[Take]:
        """Grey pictures, as far from the full one as steps were left out."""
        self.asked.append((course, settings))
        calls = course.steps
        if settings is not None:
            known = known_count(settings, self.sigmas(course)) if settings.quality == "fixed" else self.computed
            calls = known
        elif course.patch:
            calls = max(1, round(STEPS - 10 * course.patch(None)))
        frames = torch.full((8, 8, 3), (STEPS - min(calls, STEPS)) / 100)
        record = SimpleNamespace() if settings else None
        return [Take(frames, torch.linspace(0, 1, 64), calls, 0.1, self.sigmas(course), record) for _ in numbers]

    def take(self, number: int, course: Course, settings: TapSettings | None = None) -> Take:
        """One of them."""
        return self.takes([number], course, settings)[0]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """As they are."""
        return latents

    def sigmas(self, course: Course) -> tuple[float, ...]:
        """Even ones."""
        return tuple(1 - i / course.steps for i in range(course.steps + 1))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Measures a row on a fake stage; without ComfyUI's node, whose threshold is handed on."""
    monkeypatch.setattr(rivals.StockCache, "settings", lambda self, value, dial=0: lambda model: value)

    def measure(stage: Fake, course: Course, row: dict | None = None) -> dict:
        row = {} if row is None else row
        rivals.Rivals(stage, course, row, lambda: None).measure()
        return row["scores"]

    return measure


def test_every_rival_makes_as_many_calls_as_the_default_quality_took(measured: Callable[..., dict]) -> None:
    scores = measured(Fake(), Course(steps=STEPS))
    assert scores.keys() == {DEFAULT, *rivals_table.METHODS, *rivals.SOLVERS}
    calls = {name: set(score["calls"]) for name, score in scores.items()}
    assert calls.pop(rivals_table.OWN) == {18}
    # Dials that are halved a few times.
    assert all(abs(count - 9) <= 1 for name in ("EasyCache", "Spectrum") for count in calls.pop(name))
    assert set.union(*calls.values()) == {9}


def test_a_solver_makes_the_evaluations_of_a_sampler_with_two_in_a_step(measured: Callable[..., dict]) -> None:
    stage = Fake()
    scores = measured(stage, Course(steps=STEPS, sampler="heun"))
    assert {course.steps for course, _ in stage.asked if course.sampler == "euler"} == {18}
    assert set(scores["euler"]["calls"]) == {9}
    assert {course.steps for course, settings in stage.asked if course.sampler == "heun" and not settings} == {9, STEPS}


def test_nothing_else_is_measured_where_every_step_is_computed(measured: Callable[..., dict]) -> None:
    assert measured(Fake(STEPS), Course(steps=STEPS)).keys() == {DEFAULT}


def test_what_is_found_is_not_measured_again(measured: Callable[..., dict]) -> None:
    row: dict = {}
    measured(Fake(), Course(steps=STEPS), row)
    again = Fake()
    measured(again, Course(steps=STEPS), row)
    assert again.asked == []


@pytest.mark.parametrize("steps", sorted({steps for steps, _, _ in COURSES if steps > 4}))
def test_others_and_a_fixed_number_reach_every_count(steps: int) -> None:
    sigmas = tuple(1 - i / steps for i in range(steps + 1))
    methods = rivals.published().values()
    turner = DialTurner(lambda settings, _: known_count(settings, sigmas), 1)
    for count in range(max(4, steps // 8), min(steps, 40)):
        for method in methods:
            dial, value = turner.turn(method, count)
            assert abs(known_count(method.settings(value, dial), sigmas) - count) <= 1
        assert known_count(rivals.fixed_settings(count, sigmas), sigmas) == count


def row(**scores: tuple[float, float]) -> dict:
    """A row with (calls, PSNR) by name; those that are not named are far off."""
    named = {name.replace("plain_", "plain "): pair for name, pair in scores.items()}
    every = {name: (9.0, 10.0) for name in (DEFAULT, *rivals_table.METHODS, "euler", "uni_pc")} | named
    return {"model": "words", "steps": STEPS, "sampler": "euler", "cfg": 4.0,
            "scores": {name: {"calls": [calls] * 2, "psnr": [psnr + 1, psnr - 1]}
                       for name, (calls, psnr) in every.items()}}


def test_a_rival_with_as_many_calls_and_a_higher_mean_is_in_bold_and_counted() -> None:
    worse = row(close=(9.0, 40.0), plain_steps=(9.0, 41.0), uni_pc=(9.0, 42.0), fixed=(9.0, 39.0))
    more_calls = row(close=(9.0, 40.0), EasyCache=(11.0, 50.0))
    whole = {**row(), "scores": {DEFAULT: {"calls": [STEPS], "psnr": [150.0]}}}
    ours = row(close=(9.0, 40.0), fixed=(9.0, 41.0))
    lines = rivals_table.markdown({"rows": [worse, more_calls, ours, whole]}).splitlines()
    assert lines[0] == ("*close* is the closest in 1 of 3 cells, and in 2 closer than everything that is not this "
                        "pack's own, which *fixed* is. Closer, with as many calls: plain steps in 1, best solver in 1, "
                        "fixed in 1.")
    assert "| 9.0: 40.0 (39.0) | 39.0 (38.0) |" in lines[4]
    assert "| **41.0 (40.0)** | **42.0 (41.0) uni_pc** |" in lines[4]
    assert "| 50.0 (49.0) [11.0] |" in lines[5] and "**" not in lines[5]
    assert lines[-1].endswith("in: words, 20 euler, CFG 4.")


def test_fewer_calls_and_closer_counts_as_closer() -> None:
    cheap = row(close=(9.0, 40.0), EasyCache=(7.0, 45.0))
    assert rivals_table.closer(cheap) == ["EasyCache"]
    assert "**45.0 (44.0)** [7.0]" in rivals_table.markdown({"rows": [cheap]})


def test_of_two_models_each_has_half_of_the_steps_and_of_those_that_are_computed() -> None:
    course = course_of(STEPS, TWO_MODELS, 3.5)
    both = rivals.Rivals(Fake(), course, {}, lambda: None)
    sigmas = Fake().sigmas(course)[: STEPS // 2 + 1]
    assert both._sigmas == sigmas
    assert both._count(rivals.fixed_settings(6, sigmas)) == 12
