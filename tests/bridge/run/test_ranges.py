"""Ranges in real runs: the steps outside are computed and say so, and an empty range is stock ComfyUI, bit for bit."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live.plan import plan_of
from tap_pack.nodes.comfy_bridge.live.planned import planned
from tap_pack.nodes.comfy_bridge.run.wrappers import sigma_of_share
from tap_pack.tap_core.calibrate.budget import Budget
from tap_pack.tap_core.calibrate.calibrated import CalibratedSchedule
from tap_pack.tap_core.calibrate.text import Calibration, CalibrationLine
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.ranged import Range, ranged
from tap_pack.tap_core.schedules.registry import SCHEDULES
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import Tensor

from tiny_flux import STEPS, Accelerated, counted_blocks, loaded_flux, sample

FEW_COMPUTED = {"quality": "fixed", "interval": 6, "correction": "on", "trust": "learned"}
EAGER = {"TeaCache": TeaCacheSchedule(threshold=20.0), "SpeCa": SpeculativeSchedule(threshold=50.0),
         "EasyCache": EasyCacheSchedule(threshold=5.0, warmup=1)}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.fixture(scope="module")
def stock(model: ModelPatcher) -> Tensor:
    """The picture without TAP."""
    return sample(model, STEPS, 2.0)


@cache
def steps_in(model: ModelPatcher, start: float, end: float) -> list[int]:
    """The steps that ComfyUI's own nodes would act on, by their test of the sigma."""
    sampling = model.get_model_object("model_sampling")
    measured = Accelerated(model, interval=1)
    measured.sample(STEPS)
    sigmas = measured.record.sigmas[:-1]
    return [step for step, sigma in enumerate(sigmas)
            if sampling.percent_to_sigma(end) < sigma <= sampling.percent_to_sigma(start)]


def outside_of(run: Accelerated) -> list[int]:
    return [int(e.position) for e in run.record.evaluations if e.reason == "outside the range"]


@pytest.mark.parametrize("inputs", [FEW_COMPUTED, {"quality": "draft"}], ids=["fixed", "draft"])
def test_what_is_outside_is_computed_and_says_so(model: ModelPatcher, inputs: dict) -> None:
    inside = steps_in(model, 0.2, 0.7)
    assert 0 < len(inside) < STEPS - 2
    run = Accelerated(model, start_percent=0.2, end_percent=0.7, **inputs)
    with counted_blocks(model) as counts:
        picture = run.sample(STEPS, cfg=2.0)
    assert outside_of(run) == [step for step in range(STEPS) if step not in inside]
    assert run.record.skipped_steps and {*run.record.skipped_steps} <= {*inside}
    assert {*counts.values()} == {len(run.record.full_steps)}
    assert (run.record.settings["start_percent"], run.record.settings["end_percent"]) == (0.2, 0.7)
    assert picture.isfinite().all() and not run.record.fallbacks


@pytest.mark.parametrize("inputs", [FEW_COMPUTED, {"quality": "draft"}, *[{"schedule": one} for one in EAGER.values()]])
def test_an_empty_range_is_stock_and_the_report_says_why(model: ModelPatcher, stock: Tensor, inputs: dict) -> None:
    run = Accelerated(model, start_percent=0.5, end_percent=0.5, **inputs)
    assert torch.equal(run.sample(STEPS, cfg=2.0), stock)
    (why,) = run.record.fallbacks
    assert why.startswith("No step that could be forecast lies from 50 to 50 % of the run")
    assert run.record.cache_bytes == 0


@pytest.mark.parametrize("name", EAGER)
@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_two_ranges_by_two_schedules_that_watch(model: ModelPatcher, name: str, sampler: str) -> None:
    schedule = ranged(EAGER[name], Range(0.7, 1.0), ranged(EAGER["TeaCache"], Range(0.0, 0.3)))
    inside = {*steps_in(model, 0.7, 1.0), *steps_in(model, 0.0, 0.3)}
    run = Accelerated(model, schedule=schedule)
    assert run.sample(STEPS, sampler=sampler).isfinite().all()
    assert {*outside_of(run)} == {*range(STEPS)} - inside
    assert {*run.record.skipped_steps} <= inside and run.record.skipped_steps
    assert "of the run, else TeaCacheSchedule" in run.record.settings["given_schedule"]


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("interval", "list of steps")])
def test_every_schedule_works_in_a_range(model: ModelPatcher, name: str) -> None:
    run = Accelerated(model, schedule=SCHEDULES[name](), start_percent=0.3, end_percent=0.8, correction="on")
    assert run.sample(STEPS).isfinite().all()
    inside = steps_in(model, 0.3, 0.8)
    assert {*outside_of(run)} >= {*range(STEPS)} - {*inside} and {*run.record.skipped_steps} <= {*inside}


def test_a_calibrated_placement_keeps_its_steps_in_the_range(model: ModelPatcher) -> None:
    measured = Accelerated(model, interval=1)
    measured.sample(STEPS)
    calibration = Calibration("Flux", "", tuple(measured.record.sigmas), (CalibrationLine((0, 4, 8, 11), 40.0),))
    run = Accelerated(model, schedule=CalibratedSchedule(calibration, Budget(4)), start_percent=0.2)
    run.sample(STEPS)
    inside = steps_in(model, 0.2, 1.0)
    assert run.record.full_steps == sorted({*range(inside[0]), 0, 4, 8, 11}) != [*range(STEPS)]


def test_the_plan_before_the_run_shows_the_range() -> None:
    values = {"quality": "fixed", "interval": 6, "start_percent": 0.2, "end_percent": 0.8}
    marks = planned(values, 20).marks
    assert marks[:4] == "ffff" and marks[16:] == "ffff" and "s" in marks[4:16]
    assert planned({**values, "quality": "close"}, 20).words == (
        "20 steps; as many are computed as quality close takes, forecasts only from 20 to 80 % of the run")
    assert "above end_percent 0.8; lower it" in planned({**values, "start_percent": 0.9}, 20).words
    assert "set start_percent lower" in planned({**values, "start_percent": 0.8}, 20).words


def test_the_plan_of_two_ranges_is_known_where_both_schedules_are() -> None:
    first = ListedSchedule((0,))
    settings = TapSettings(given_schedule=ranged(first, Range(0.6, 1.0), ranged(first, Range(0.0, 0.4))))
    run = TapRun(settings, [1 - i / 10 for i in range(11)], "Flux")
    assert plan_of(run).marks == "fsssffssss" and plan_of(run).words.startswith("3 of 10 steps")
    watching = ranged(TeaCacheSchedule(), Range(0.6, 1.0), first)
    said = plan_of(TapRun(TapSettings(given_schedule=watching), run.timeline.sigmas, "Flux")).words
    assert said == "10 steps; the schedule decides as it goes which are computed"


def test_a_model_that_knows_no_percent_takes_the_share_of_the_steps() -> None:
    class Guider:
        class model_patcher:
            @staticmethod
            def get_model_object(name: str) -> object:
                return object()

    assert sigma_of_share(Guider) is None
