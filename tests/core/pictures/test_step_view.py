"""One view for each step, for every kind of sampler."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pictures.step_view import step_views
from tap_pack.tap_core.record.record import Evaluation, TapRecord
from tap_pack.tap_core.record.summary import why_no_map

from made_records import choices_of, full_record, made_record


def test_every_step_has_a_view_in_order() -> None:
    record = made_record(steps=10)
    views = step_views(record)
    assert [v.step for v in views] == list(range(10))
    assert [v.step for v in views if v.choices is None] == record.full_steps == [0, 1, 4, 7]
    assert [v.sigma for v in views] == record.sigmas[:-1]


def test_a_full_step_says_why() -> None:
    views = step_views(made_record())
    assert views[0].status == "computed step: warm-up"
    assert views[4].status == "computed step: interval"
    assert views[2].status == "forecast step"


def heun(record: TapRecord) -> TapRecord:
    """The same steps as Heun takes them: each evaluated at its own sigma and at the next one."""
    first, *others = record.evaluations
    record.evaluations = [first]
    for now in others:
        earlier = [choices_of(torch.zeros_like(c.member), record.candidates) for c in now.choices]
        record.evaluations += [replace(now, choices=earlier), now]
    return record


def test_of_two_evaluations_at_a_sigma_the_last_is_shown() -> None:
    record = heun(made_record())
    assert len(record.evaluations) == 19
    views = step_views(record)
    assert [v.step for v in views] == list(range(10))
    for view in views:
        last = [e for e in record.evaluations if e.step == view.step][-1]
        assert view.choices is (last.choices[0] if last.choices else None)


def test_an_evaluation_between_steps_does_not_hide_the_one_on_the_step() -> None:
    record = made_record()
    on_step = record.evaluations[2]
    between = Evaluation(2.5, 0.75, skipped_calls=1, choices=record.evaluations[3].choices)
    record.evaluations.insert(3, between)
    assert step_views(record)[2].choices is on_step.choices[0]
    assert step_views(record)[2].sigma == on_step.sigma


def test_the_negative_prompt_has_choices_of_its_own() -> None:
    record = made_record(conditions=(1, 0))
    for view, evaluation in zip(step_views(record, 1), record.evaluations, strict=True):
        assert view.choices is (evaluation.choices[0] if evaluation.choices else None)


def test_a_prompt_that_was_not_forecast_is_refused() -> None:
    with pytest.raises(TapError, match="negative prompt in this run; choose positive"):
        step_views(made_record(conditions=(0,)), 1)


def test_a_step_of_which_a_part_was_computed_still_shows_its_map() -> None:
    record = made_record()
    record.evaluations[2].full_calls, record.evaluations[2].reason = 1, "no history"
    view = step_views(record)[2]
    assert view.choices is not None
    assert view.status == "partly computed: no history"


def test_a_run_without_skipped_steps_has_views_too() -> None:
    assert [v.status for v in step_views(full_record(steps=3))] == ["computed step: warm-up"] * 3


def test_a_step_that_was_skipped_without_a_choice_is_no_full_one() -> None:
    record = made_record()
    for evaluation in record.evaluations:
        evaluation.choices.clear()
    views = step_views(record)
    assert [view.step for view in views if view.status.startswith("computed step")] == record.full_steps
    assert {view.status for view in views if view.step in record.skipped_steps} == {"forecast step"}
    assert why_no_map(record).startswith("There is no map: this schedule forecasts whole pictures")
    assert why_no_map(full_record(interval=1)).startswith("No step was forecast")
