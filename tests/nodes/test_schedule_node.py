"""TAP Schedule: every schedule can be chosen, and its knobs are the fields of its settings."""

from __future__ import annotations

from dataclasses import fields

import pytest
from tap_pack.nodes.inputs.schedules import OWN, schedule_options
from tap_pack.nodes.schedule import TapSchedule, build_schedule
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.model_tables import MAGNITUDES, POLYNOMIALS
from tap_pack.tap_core.schedules.registry import SCHEDULES

from walk import walk

OPTIONS = {option.key: option.inputs for option in schedule_options()}
# Knobs that stand for a field under another name.
STAND_FOR = {"polynomial": "coefficients", "magnitudes": "ratios"}


def defaults(name: str) -> dict[str, object]:
    return {knob.id: knob.default for knob in OPTIONS[name]}


def test_every_schedule_can_be_chosen() -> None:
    assert list(OPTIONS) == list(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_knobs_are_the_fields_of_the_settings(name: str) -> None:
    knobs = {STAND_FOR.get(knob, knob) for knob in defaults(name)}
    named = {field.name for field in fields(SCHEDULES[name])}
    assert knobs <= named
    # What only a table of a model sets, and what a schedule with windows needs no knob for.
    assert named - knobs <= {"always", "warmup"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_nodes_defaults_make_the_schedule_with_its_own_defaults(name: str) -> None:
    (schedule,) = TapSchedule.execute(schedule={"schedule": name, **defaults(name)}).args
    assert type(schedule) is SCHEDULES[name]
    if name not in ("interval", "list of steps"):
        assert schedule == SCHEDULES[name]()


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_knob_explains_itself(name: str) -> None:
    assert all(knob.tooltip for knob in OPTIONS[name])


def test_a_list_of_steps_is_read() -> None:
    assert build_schedule("list of steps", steps="0, 2, 5-7") == ListedSchedule((0, 2, 5, 6, 7))


def test_teacache_and_magcache_take_a_models_numbers_or_ones_own() -> None:
    knobs = defaults("TeaCache")
    assert build_schedule("TeaCache", **{**knobs, "polynomial": "LTX-Video"}).coefficients == POLYNOMIALS["LTX-Video"]
    own = {**knobs, "polynomial": OWN, "coefficients": "2.5, 0"}
    assert build_schedule("TeaCache", **own).coefficients == (2.5, 0.0)
    knobs = defaults("MagCache")
    qwen = build_schedule("MagCache", **{**knobs, "magnitudes": "Qwen-Image"})
    assert (qwen.ratios, qwen.always) == (MAGNITUDES["Qwen-Image"].ratios, ())
    own = build_schedule("MagCache", **{**knobs, "magnitudes": OWN, "ratios": "1, 1.1, 0.9"})
    assert (own.ratios, own.always) == ((1.0, 1.1, 0.9), ())


@pytest.mark.parametrize(("name", "knobs"), [
    ("list of steps", {"steps": "3, 2"}),
    ("list of steps", {"steps": ""}),
    ("TeaCache", {"polynomial": OWN, "coefficients": "one, two"}),
    ("TeaCache", {"polynomial": OWN, "coefficients": " "}),
    ("TeaCache", {"polynomial": OWN, "coefficients": "nan"}),
    ("TeaCache", {"polynomial": OWN, "coefficients": "1e400, 0"}),
    ("MagCache", {"magnitudes": OWN, "ratios": "1, inf"}),
    ("MagCache", {"magnitudes": OWN, "ratios": "1, -1"}),
    ("EasyCache", {"threshold": float("nan")}),
])
def test_what_makes_no_sense_is_refused_in_words(name: str, knobs: dict) -> None:
    with pytest.raises(TapError, match=" "):
        build_schedule(name, **{**defaults(name), **knobs})


def test_two_nodes_make_two_ranges() -> None:
    listed = {"schedule": "list of steps", "steps": "0"}
    (first,) = TapSchedule.execute(schedule=dict(listed), end_percent=0.4).args
    (both,) = TapSchedule.execute(schedule=dict(listed), start_percent=0.6, outside=first).args
    assert walk(both, 20) == [0, *range(8, 12)]
    (alone,) = TapSchedule.execute(schedule=dict(listed), start_percent=0.0, end_percent=1.0, outside=None).args
    assert alone == ListedSchedule((0,))


def test_a_range_that_ends_before_it_starts_is_refused_in_words() -> None:
    with pytest.raises(TapError, match=r"start_percent is 0\.6, above end_percent 0\.4; lower it"):
        TapSchedule.execute(schedule={"schedule": "interval", **defaults("interval")}, start_percent=0.6,
                            end_percent=0.4)


def test_inputs_of_the_range_are_appended() -> None:
    first, *appended = TapSchedule.GET_SCHEMA().inputs
    assert [each.id for each in (first, *appended)] == ["schedule", "start_percent", "end_percent", "outside"]
    assert all(each.optional for each in appended)  # workflows from before them lack them


@pytest.mark.parametrize(("name", "unused"), [("TeaCache", "coefficients"), ("MagCache", "ratios")])
def test_numbers_that_are_not_used_may_be_anything(name: str, unused: str) -> None:
    chosen = {"polynomial": next(iter(POLYNOMIALS)), "magnitudes": next(iter(MAGNITUDES))}
    knobs = {knob: chosen.get(knob, default) for knob, default in defaults(name).items()}
    assert build_schedule(name, **{**knobs, unused: "none"}) == build_schedule(name, **knobs)
