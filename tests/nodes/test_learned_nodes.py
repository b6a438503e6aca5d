"""Learned weights and moved sigmas in whole runs of a tiny FLUX: measured, learned, given to TAP Accelerate."""

from __future__ import annotations

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.calibrate import TapCalibrate
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.nodes.placement import TapPlacement
from tap_pack.nodes.predictor_pool import TapPredictorPool
from tap_pack.tap_core.calibrate.learned_rows import learned_weights
from tap_pack.tap_core.calibrate.text import from_text
from tap_pack.tap_core.calibrate.trace_holder import TraceHolder
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule

from tiny_flux import Accelerated, loaded_flux, sample

STEPS, FULL = 12, (0, 1, 2, 4, 7, 10)
DEFAULTS = {"target": "auto", "correction": "on", "trust": "learned", "probe_stride": 4}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.fixture(scope="module")
def measured(model: ModelPatcher) -> TraceHolder:
    """The trace of a run at cfg 2."""
    return measure(model)[1]


def measure(model: ModelPatcher, target: str = "auto", **inputs: object) -> tuple[torch.Tensor, TraceHolder]:
    """The latents of a measured run, and its trace. inputs: of TAP Measure Run."""
    watched, holder = TapMeasureRun.execute(model, target, **inputs).args
    return sample(watched, STEPS, cfg=2.0), holder


def calibrated(trace: TraceHolder, **inputs: object) -> tuple:
    """The outputs of TAP Calibrate."""
    defaults = {i.id: i.default for i in TapCalibrate.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    return TapCalibrate.execute(trace, None, **{**defaults, "budget": "6", **inputs}).args


def test_learned_weights_forecast_every_token_of_the_run_that_they_are_for(
    model: ModelPatcher, measured: TraceHolder
) -> None:
    schedule, text, _, pool, _ = calibrated(measured, learn_weights=True)
    assert pool.learned.full == from_text(text).learned(6).full
    accelerated = Accelerated(model, schedule=schedule, predictors=pool)
    picture = accelerated.sample(STEPS, cfg=2.0)
    record = accelerated.record
    used = {record.candidates[int(i)].family for e in record.evaluations for c in e.choices for i in c.member.unique()}
    assert used == {"learned"}
    assert record.fallbacks == []
    assert not torch.equal(picture, Accelerated(model, schedule=schedule).sample(STEPS, cfg=2.0))
    assert "learned, 6 of 12 steps; elsewhere taylor" in record.settings["given_pool"]


def test_the_text_carries_them(model: ModelPatcher, measured: TraceHolder) -> None:
    schedule, text, _, pool, sigmas = calibrated(measured, learn_weights=True, move_sigmas="all")
    again, words, pool_again, sigmas_again = TapPlacement.execute(text, "6").args
    assert words.endswith("TAP_POOL has learned weights. SIGMAS has moved sigmas. The weights are for the measured "
                          "noise levels, not for SIGMAS: use one of the two.")
    pictures = [Accelerated(model, schedule=s, predictors=p).sample(STEPS, cfg=2.0)
                for s, p in ((schedule, pool), (again, pool_again))]
    torch.testing.assert_close(*pictures, rtol=1e-2, atol=1e-2)  # the text has four digits of each weight
    torch.testing.assert_close(sigmas_again, sigmas, rtol=0, atol=1e-4)
    assert TapPlacement.execute(text, "5").args[2] is None


def test_in_another_run_taps_own_predictors_stand_in_and_the_report_says_so(
    model: ModelPatcher, measured: TraceHolder
) -> None:
    schedule, _, _, pool, _ = calibrated(measured, learn_weights=True)
    other = Accelerated(model, schedule=schedule, predictors=pool)
    own = Accelerated(model, schedule=schedule)
    assert torch.equal(other.sample(16, cfg=2.0), own.sample(16, cfg=2.0))
    assert any("learned weights are for 12 steps" in said for said in other.record.fallbacks)


def test_in_a_pool_they_are_one_more_choice(model: ModelPatcher, measured: TraceHolder) -> None:
    schedule, _, _, pool, _ = calibrated(measured, learn_weights=True)
    defaults = {i.id: i.default for i in TapPredictorPool.GET_SCHEMA().inputs if hasattr(i, "default")}
    (beside,) = TapPredictorPool.execute(**defaults, learned=pool).args
    assert beside == PoolSettings(learned=pool.learned, learned_beside=True)
    assert TapPredictorPool.execute(**defaults, learned=PoolSettings()).args == (PoolSettings(),)
    run = Accelerated(model, schedule=schedule, predictors=beside)
    run.sample(STEPS, cfg=2.0)
    assert {"learned", "taylor"} <= {candidate.family for candidate in run.record.candidates}


def test_without_learning_nothing_changes(measured: TraceHolder) -> None:
    _, text, _, pool, sigmas = calibrated(measured)
    assert pool is None
    assert text.startswith("TAP placement 3\n")
    assert sigmas.tolist() == pytest.approx(measured.latest.sigmas)


def test_a_run_that_skips_is_the_picture_of_tap_accelerate(model: ModelPatcher) -> None:
    schedule = ListedSchedule(FULL)
    picture, holder = measure(model, schedule=schedule)
    run = Accelerated(model, schedule=schedule, **DEFAULTS)
    assert torch.equal(picture, run.sample(STEPS, cfg=2.0))
    trace = holder.latest
    assert trace.full == FULL
    assert [len(condition.target) for condition in trace.conditions] == [STEPS, STEPS]


def test_what_it_records_at_skipped_steps_is_the_models_answer_there(model: ModelPatcher) -> None:
    """At the first skipped step x is that of the full run, one forecast later it is not."""
    full, skipping = measure(model)[1].latest, measure(model, schedule=ListedSchedule(FULL))[1].latest
    for one, other in zip(full.conditions, skipping.conditions, strict=True):
        torch.testing.assert_close(other.target[:4], one.target[:4])
        assert (other.target[5] - one.target[5]).abs().max() > 1e-4
    pool = PoolSettings(orders="0")
    other_pool = measure(model, schedule=ListedSchedule(FULL), predictors=pool)[1].latest
    assert not torch.equal(other_pool.conditions[0].target, skipping.conditions[0].target)


@pytest.mark.parametrize("target", ["auto", "residual", "output", "denoised"])
def test_weights_are_learned_from_what_skipping_runs_saw(model: ModelPatcher, target: str) -> None:
    measured, skipping = (measure(model, target, schedule=schedule)[1] for schedule in (None, ListedSchedule(FULL)))
    _, text, _, pool, _ = calibrated(measured, trace_2=skipping, learn_weights=True)
    assert from_text(text).line(6).full == FULL
    assert pool.learned == learned_weights([measured.latest, skipping.latest], FULL)
    assert pool.learned != learned_weights([measured.latest], FULL)
    with pytest.raises(TapError, match="set budget to 6"):
        calibrated(measured, trace_2=skipping, budget="5")


@pytest.mark.parametrize("which", ["skipped", "all"])
def test_moved_sigmas_go_to_the_sampler_and_the_steps_go_with_them(
    model: ModelPatcher, measured: TraceHolder, which: str
) -> None:
    with torch.inference_mode():
        schedule, _, _, _, sigmas = calibrated(measured, move_sigmas=which)
    assert sigmas.dtype == torch.float32 and sigmas.shape == (STEPS + 1,)
    assert float(sigmas[-1]) == 0 and (sigmas.diff() < 0).all()
    assert not torch.equal(sigmas, torch.tensor(measured.latest.sigmas))
    places = schedule.calibration.line(6).full
    run = Accelerated(model, schedule=schedule)
    run.sample(STEPS, cfg=2.0, sigmas=sigmas)
    assert run.record.full_steps == list(places)
    assert not any("moved to" in said for said in run.record.fallbacks)
    assert run.record.sigmas == pytest.approx(sigmas.tolist())
