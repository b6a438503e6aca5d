"""TAP Calibrate expects what TAP Accelerate then says, under samplers, targets, guidance, few steps of a tiny FLUX."""

from __future__ import annotations

import pytest
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule

from tiny_flux import Accelerated, loaded_flux, sample


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.mark.parametrize("target", ["auto", "output", "residual", "denoised"])
@pytest.mark.parametrize(("steps", "calls", "sampler", "cfg"), [
    (20, 10, "euler", 1.0), (20, 10, "euler", 4.0), (20, 7, "dpmpp_2m", 4.0), (20, 10, "uni_pc", 2.0),
    (20, 10, "heun", 2.0), (20, 10, "dpm_2", 2.0), (8, 5, "euler", 2.0), (8, 6, "uni_pc", 4.0)], ids=str)
def test_it_expects_what_the_run_says(
    model: ModelPatcher, steps: int, calls: int, sampler: str, cfg: float, target: str
) -> None:
    watched, holder = TapMeasureRun.execute(model, target).args
    options = {"sampler": sampler, "cfg": cfg}
    sample(watched, steps, **options)
    line = calibrate([holder.latest], PlannedRun(PoolSettings(), calls=calls)).line(calls)
    run = Accelerated(model, schedule=ListedSchedule(line.full), target=target)
    run.sample(steps, **options)
    # Slopes of the full run turn more than those of one that skips; uni_pc makes most of that.
    assert line.decibels == pytest.approx(run.record.closeness.decibels, abs=5)
