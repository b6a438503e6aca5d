"""Runs whose closeness cannot be told: they say so, and why, and make up no figure."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.closeness import UNKNOWN
from tap_pack.tap_core.record.run_line import result_line, run_line
from tap_pack.tap_core.record.summary import report_text
from tap_pack.tap_core.sampling import run as run_module
from tap_pack.tap_core.sampling.levels import NO_QUALITY, SEVERAL_LATENTS
from tap_pack.tap_core.sampling.locality import SHARED, SHARED_QUALITY
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.standing import NO_NUMBERS, NONE_CLOSED

from custom_levels import guided_by_another, renoising
from custom_runs import custom
from rival_caches import RIVALS, by_patches, for_the_call, for_the_evaluation
from tiny_flux import Accelerated, tiny_flux

OURS = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}
STEPS = 20


def accelerated(model: ModelPatcher, **inputs: object) -> Accelerated:
    return Accelerated(model, **{**OURS, "quality": "fixed", "interval": 4, **inputs})


def untold(run: Accelerated, why: str) -> None:
    """The record has no figure; line, face and report say that it is not known, and why."""
    record = run.record
    assert record.forecast_steps and record.closeness is None
    for words in (run_line(record), result_line(record), report_text(record)):
        assert why in words and "dB" not in words
    assert f"{UNKNOWN}. {why}" in run_line(record)
    assert record.report()["closeness_why_unknown"] == why


@pytest.mark.parametrize("quality", ["close", "fixed"])
def test_processes_that_share_a_picture_cannot_tell(monkeypatch: pytest.MonkeyPatch, quality: str) -> None:
    alone = accelerated(tiny_flux(), interval=5)
    wanted = alone.sample(STEPS)
    monkeypatch.setattr(run_module, "processes", lambda: 2)
    run = accelerated(tiny_flux(), quality=quality, interval=5)
    assert torch.equal(run.sample(STEPS), wanted)
    untold(run, SHARED)
    assert run.record.fallbacks == [SHARED_QUALITY] * (quality == "close")
    assert "quality fixed" in report_text(run.record) and "interval 5" in report_text(run.record)


@pytest.mark.parametrize("sampler", [renoising, guided_by_another], ids=["new noise", "a second picture"])
def test_several_latents_at_one_level_are_not_told_together(sampler: Callable[[], object]) -> None:
    run, again = accelerated(tiny_flux(), interval=5), custom(sampler)
    with torch.inference_mode():
        again(run.model, None)
    untold(run, SEVERAL_LATENTS)


@pytest.mark.parametrize("most", [0, 4])
@pytest.mark.parametrize("sampler", [renoising, guided_by_another], ids=["new noise", "a second picture"])
def test_a_quality_computes_every_step_of_several_latents_and_says_why(
    sampler: Callable[[], object], most: int
) -> None:
    model, again = tiny_flux(), custom(sampler)
    run = accelerated(model, quality="draft", most_computed=most)
    with torch.inference_mode():
        assert torch.equal(again(run.model, None), again(model, None))
    assert run.record.skipped_steps == [] and run.record.fallbacks == [NO_QUALITY]
    assert run_line(run.record) == f"No step was forecast. {NO_QUALITY}"


@pytest.mark.parametrize("name", [name for name in RIVALS if "in place of all blocks" not in name])
def test_where_another_cache_answers_in_mid_run_nothing_is_told(name: str) -> None:
    run = accelerated(RIVALS[name](tiny_flux(), start=3))
    run.sample(STEPS)
    (why,) = run.record.fallbacks
    assert "Another node (rival_caches." in why
    untold(run, why)


@pytest.mark.parametrize("make", [for_the_call, for_the_evaluation])
def test_nor_where_it_answers_after_another_reason(make: Callable[..., ModelPatcher]) -> None:
    model = make(by_patches(tiny_flux(), start=3), start=11)
    run = accelerated(model)
    run.sample(STEPS)
    assert run.record.closeness is None and len(run.record.fallbacks) == 1


def test_steps_computed_after_a_fall_back_show_what_was_forecast_before_and_repay_nothing(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    told, begin = [], TapRun.begin

    def begin_and_fall_back(run: TapRun, sigma: float, device: torch.device, x: torch.Tensor | None = None) -> None:
        if len(run.record.evaluations) == 3:
            run.notes.fall_back("for a test")
        begin(run, sigma, device, x)

    monkeypatch.setattr(TapRun, "begin", begin_and_fall_back)
    for correction in ("on", "off"):
        run = accelerated(tiny_flux(), interval=6, correction=correction, placement="even", warmup_steps=1)
        run.sample(STEPS)
        assert run.record.skipped_steps == [1, 2]
        told.append(run.record.closeness)
    assert told[0] is not None and told[0] == told[1]


def test_where_nothing_computed_follows_a_forecast_the_line_says_so() -> None:
    run = accelerated(tiny_flux(), interval=5, placement="paper", warmup_steps=7)
    run.sample(8)
    assert run.record.skipped_steps == [7]
    untold(run, NONE_CLOSED)


@pytest.mark.parametrize("value", [0.0, math.nan], ids=str)
def test_latents_that_are_all_zero_or_not_numbers_have_no_figure(value: float) -> None:
    """The last step alone is computed so: the forecasts before it stay as they are."""
    model, last = tiny_flux(), []

    def answer(args: dict) -> torch.Tensor:
        return torch.full_like(args["denoised"], value) if last else args["denoised"]

    model.set_model_sampler_post_cfg_function(answer)
    run = accelerated(model)
    run.sample(STEPS, callback=lambda step, *_: last.append(step) if step == STEPS - 2 else None)
    untold(run, NO_NUMBERS)
