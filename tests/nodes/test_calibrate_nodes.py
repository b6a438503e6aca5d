"""Calibration in whole runs of a tiny FLUX: measured, calibrated, accelerated."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace

import comfy.model_management
import comfy.utils
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.calibrate import TapCalibrate
from tap_pack.nodes.fit_tables import TapFitTables
from tap_pack.nodes.inputs.schedules import OWN
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.nodes.placement import TapPlacement
from tap_pack.nodes.schedule import build_schedule
from tap_pack.tap_core.calibrate.text import from_text
from tap_pack.tap_core.calibrate.trace_holder import TraceHolder
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.pool_settings import PoolSettings

from tiny_flux import Accelerated, loaded_flux, prompt, sample, tiny_flux

STEPS = 16
TARGETS = ("auto", "residual", "output", "denoised")


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.fixture(scope="module")
def measured(model: ModelPatcher) -> TraceHolder:
    """The trace of a run at cfg 2."""
    return measure(model, cfg=2.0)[1]


def measure(model: ModelPatcher, target: str = "auto", steps: int = STEPS, **options: object) -> tuple:
    """The latents of a measured run, and its trace."""
    watched, holder = TapMeasureRun.execute(model, target).args
    return sample(watched, steps, **options), holder


def calibrated(trace: TraceHolder, budget: str = "6", **inputs: object) -> SimpleNamespace:
    """The outputs of TAP Calibrate with its defaults."""
    defaults = {i.id: i.default for i in TapCalibrate.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    schedule, text, picture, pool, sigmas = TapCalibrate.execute(
        trace, None, **{**defaults, "budget": budget, **inputs}).args
    return SimpleNamespace(schedule=schedule, text=text, picture=picture, pool=pool, sigmas=sigmas)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("options", [
    {"cfg": 1.0}, {"cfg": 2.0}, {"cfg": 2.0, "negative": prompt(9, seed=2)}, {"cfg": 2.0, "batch": 2},
    {"sampler": "heun"}, {"sampler": "euler_ancestral"}, {"sampler": "dpmpp_2m"},
], ids=str)
def test_a_measured_run_is_bit_identical_to_stock(model: ModelPatcher, options: dict, target: str) -> None:
    picture, holder = measure(model, target, **options)
    assert torch.equal(picture, sample(model, STEPS, **options))
    trace = holder.latest
    assert trace.steps == STEPS
    assert len(trace.conditions) == (2 if options.get("cfg", 1) > 1 else 1)
    assert sum(condition.share for condition in trace.conditions) == pytest.approx(1)
    assert {len(condition.probe) for condition in trace.conditions} == {STEPS}
    if options.get("sampler") != "heun":  # its second evaluations look like noise
        assert trace.noisy == (options.get("sampler") == "euler_ancestral")


def test_the_same_in_half_precision() -> None:
    model = tiny_flux(dtype=torch.bfloat16)
    assert torch.equal(measure(model)[0], sample(model, STEPS))


def test_a_trace_belongs_to_its_run(model: ModelPatcher) -> None:
    watched, holder = TapMeasureRun.execute(model, "auto").args
    sample(watched, STEPS)
    first, kept = holder.latest, holder.latest.conditions[0].target.clone()
    sample(watched, 8, seed=9)
    assert holder.latest is not first
    assert holder.latest.steps == 8
    assert torch.equal(first.conditions[0].target, kept)


def test_an_interrupted_run_leaves_no_trace_and_says_so(model: ModelPatcher) -> None:
    watched, holder = TapMeasureRun.execute(model, "auto").args
    sample(watched, STEPS)

    def stop(step: int, *args: object) -> None:
        if step == 3:
            raise comfy.model_management.InterruptProcessingException

    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sample(watched, STEPS, callback=stop)
    assert holder.latest is None
    with pytest.raises(TapError, match="interrupted"):
        calibrated(holder)


@pytest.mark.parametrize(("target", "sampler"), [
    *[(target, "euler") for target in TARGETS],
    *[("auto", sampler) for sampler in ("heun", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "lcm", "deis")],
])
def test_from_a_trace_to_a_faster_picture(model: ModelPatcher, target: str, sampler: str) -> None:
    _, holder = measure(model, target, cfg=2.0, sampler=sampler)
    found = calibrated(holder)
    accelerated = Accelerated(model, schedule=found.schedule, target=target, correction="on")
    picture = accelerated.sample(STEPS, cfg=2.0, sampler=sampler)
    assert picture.isfinite().all()
    assert accelerated.record.full_steps == list(from_text(found.text).line(6).full)
    assert not any("may not fit" in reason or "moved" in reason for reason in accelerated.record.fallbacks)
    assert "budget 6" in accelerated.record.settings["given_schedule"]
    assert found.picture.shape[0] == 1


def test_the_text_gives_the_same_schedule(model: ModelPatcher, measured: TraceHolder) -> None:
    found = calibrated(measured)
    again, words, pool, _ = TapPlacement.execute(found.text, "6").args
    assert pool is None
    assert words.startswith(f"6 of {STEPS} steps are computed. To expect: ")
    assert re.search(r"\(about \d+ dB, mostly \d+ to \d+\), as PSNR against", words)
    pictures = [Accelerated(model, schedule=each).sample(STEPS, cfg=2.0) for each in (found.schedule, again)]
    assert torch.equal(*pictures)
    assert calibrated(measured).text == found.text
    assert "closest one" in TapPlacement.execute(found.text, "15").args[1]
    whole = TapPlacement.execute(in_full(found.text), str(STEPS)).args[1]
    assert whole == f"{STEPS} of {STEPS} steps are computed. These are all, so the picture is the full one."


def in_full(text: str) -> str:
    """The text with a line of every step."""
    return f"{text}\n{STEPS} calls, about 80 dB, mostly 80 to 80: {' '.join(map(str, range(STEPS)))}"


def test_of_an_older_text_no_span_is_made_up(measured: TraceHolder) -> None:
    older = re.sub(r", mostly [\d.]+ to [\d.]+", "", calibrated(measured).text).replace("placement 3", "placement 1")
    words = TapPlacement.execute(older, "6").args[1]
    assert re.search(r"This text of an older version expects \d+ dB \(.*\), which may be far off; calibrate", words)
    assert "mostly" not in words


def test_what_was_moved_is_reported_and_logged(
    model: ModelPatcher, measured: TraceHolder, caplog: pytest.LogCaptureFixture
) -> None:
    accelerated = Accelerated(model, schedule=calibrated(measured).schedule)
    with caplog.at_level(logging.WARNING, logger="tap"):
        accelerated.sample(24)
    assert f"{STEPS} steps, was moved to 24" in accelerated.record.fallbacks[0]
    assert "was moved to 24" in caplog.text
    assert len(accelerated.record.full_steps) == 6


def test_several_runs_make_one_calibration(model: ModelPatcher, measured: TraceHolder) -> None:
    other = measure(model, cfg=2.0, seed=6, positive=prompt(seed=8))[1]
    both = calibrated(measured, trace_2=other)
    assert {both.text} - {calibrated(measured).text}
    with pytest.raises(TapError, match="differ in their sigmas"):
        calibrated(measured, trace_2=measure(model, steps=8)[1])


def test_a_pool_from_its_node_is_calibrated_for(measured: TraceHolder) -> None:
    pool = PoolSettings(families=("newton", "spectrum"), orders="1,2")
    assert "newton spectrum" in calibrated(measured, predictors=pool).text


def test_progress_is_shown_and_the_work_can_be_cancelled(
    measured: TraceHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", lambda value, total, *_, **__: told.append(value / total))
    calibrated(measured)
    assert told[-1] == 1
    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        calibrated(measured)


@pytest.mark.parametrize("budget", ["", "ten", "0", "-1"])
def test_a_bad_budget_is_refused_before_anything_runs(budget: str) -> None:
    pool = {"orders": "0,1,2", "horizon_from": -4, "horizon_to": 0, "horizon_step": 1.0}
    for node, others in ((TapCalibrate, pool), (TapPlacement, {"text": "TAP placement 1"})):
        assert "budget" in node.validate_inputs(budget=budget, **others)
        assert node.validate_inputs(budget="5x", **others) is True
        assert node.validate_inputs(budget=None, **others) is True


def test_other_wrong_inputs_are_refused_before_anything_runs() -> None:
    assert "text is empty" in TapPlacement.validate_inputs(text=" ", budget="10")
    assert TapPlacement.validate_inputs(text=None, budget="10") is True
    backwards = {"orders": "0,1,2", "horizon_from": 1, "horizon_to": -1, "horizon_step": 1.0}
    assert "horizon_from" in TapCalibrate.validate_inputs(budget="10", **backwards)
    assert TapCalibrate.validate_inputs(budget="10", **{**backwards, "horizon_to": None}) is True
    assert "horizon_to is 9" in TapCalibrate.validate_inputs(budget="10", **{**backwards, "horizon_to": 9})


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(TapError, match="connect `after`"):
        calibrated(TraceHolder())
    with pytest.raises(TapError, match="connect the TAP_TRACE"):
        calibrated("a trace")
    with pytest.raises(TapError, match="does not begin with"):
        TapPlacement.execute("0, 1, 2", "10")


def test_tables_are_fitted_only_on_the_residual(model: ModelPatcher) -> None:
    _, holder = measure(model, "auto", cfg=2.0)
    with pytest.raises(TapError, match="set target of TAP Measure Run to residual"):
        TapFitTables.execute(holder, None, "MagCache", 0.3)


@pytest.mark.parametrize("method", ["TeaCache", "MagCache"])
def test_tables_are_fitted_and_taken_back_as_text(model: ModelPatcher, method: str) -> None:
    _, holder = measure(model, "residual", cfg=2.0)
    schedule, text = TapFitTables.execute(holder, None, method, 0.3).args
    numbers = {"TeaCache": {"polynomial": OWN, "coefficients": text, "warmup": 1, "last_full": True, "max_skip": 0},
               "MagCache": {"magnitudes": OWN, "ratios": text, "max_skip": 5, "retention": 0.1}}[method]
    again = build_schedule(method, threshold=0.3, **numbers)
    name = "coefficients" if method == "TeaCache" else "ratios"
    assert getattr(again, name) == pytest.approx(getattr(schedule, name), rel=1e-4)
    accelerated = Accelerated(model, schedule=schedule)
    assert accelerated.sample(STEPS, cfg=2.0).isfinite().all()
    assert accelerated.record.complete
