"""Runs that keep to a quality, and what runs say of their closeness, in ComfyUI's own sampling."""

from __future__ import annotations

import math

import comfy.model_management
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live.plan import plan_of
from tap_pack.tap_core.record.run_line import run_line
from tap_pack.tap_core.sampling import run as run_module
from tap_pack.tap_core.sampling.locality import SHARED_QUALITY
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.sampling.standing import NO_NUMBERS
from tap_pack.tap_core.schedules.quality import ALL_NOISE_ANEW, NOISE_AND_LIMIT

from tiny_flux import Accelerated, sample, tiny_flux

# As far as these tiny models of random weights allow: with lower qualities more steps are skipped.
OURS = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}
STEPS = 20


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return tiny_flux()


def accelerated(model: ModelPatcher, **inputs: object) -> Accelerated:
    return Accelerated(model, **{**OURS, "quality": "draft", **inputs})


def error(picture: torch.Tensor, full: torch.Tensor) -> float:
    """Relative error of a latent."""
    return float((picture - full).norm() / full.norm())


def test_a_higher_quality_computes_more_steps_and_is_closer(model: ModelPatcher) -> None:
    full, counts, errors, told = sample(model, STEPS), [], [], []
    for quality in ("draft", "good", "same"):
        run = accelerated(model, quality=quality)
        errors.append(error(run.sample(STEPS), full))
        counts.append(len(run.record.full_steps))
        told.append(run.record.closeness.decibels if run.record.closeness else math.inf)
    assert counts == sorted(counts) and counts[0] < counts[-1]
    assert told == sorted(told)
    assert errors[0] > errors[-1]


def test_the_same_run_twice_computes_the_same_steps(model: ModelPatcher) -> None:
    run = accelerated(model)
    first, record = run.sample(STEPS, cfg=2.0), run.record
    again = run.sample(STEPS, cfg=2.0)
    assert torch.equal(first, again) and run.record.full_steps == record.full_steps
    assert run.record.closeness == record.closeness


@pytest.mark.parametrize("interval", [1, 5])
def test_interval_1_turns_it_off_whatever_the_quality(model: ModelPatcher, interval: int) -> None:
    run = accelerated(model, interval=interval)
    assert torch.equal(run.sample(STEPS), sample(model, STEPS)) == (interval == 1)
    assert ("interval is 1" in run_line(run.record)) == (interval == 1)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpm_2", "dpmpp_2m", "uni_pc", "res_multistep", "euler_ancestral",
                                     "er_sde"])
def test_every_sampler_keeps_to_it_and_says_how_close_it_is(model: ModelPatcher, sampler: str) -> None:
    run = accelerated(model)
    run.sample(STEPS, sampler=sampler)
    record = run.record
    assert record.full_steps[0] == 0 and record.full_steps[-1] == STEPS - 1
    assert len(record.full_steps) + len(record.skipped_steps) == STEPS
    assert (record.closeness is not None) == bool(record.skipped_steps)


def test_a_sampler_that_draws_all_noise_anew_is_computed_in_full_and_says_so(model: ModelPatcher) -> None:
    run = accelerated(model)
    assert torch.equal(run.sample(STEPS, sampler="lcm"), sample(model, STEPS, sampler="lcm"))
    assert run.record.skipped_steps == [] and ALL_NOISE_ANEW in run.record.fallbacks
    assert run_line(run.record) == f"No step was forecast. {ALL_NOISE_ANEW}"


def test_a_model_that_is_closer_than_told_takes_fewer_steps_and_is_told_closer(model: ModelPatcher) -> None:
    runs = [accelerated(model, closer_than_told=closer) for closer in (-8.0, 0.0, 12.0)]
    for run in runs:
        run.sample(STEPS)
    counts = [len(run.record.full_steps) for run in runs]
    assert counts[0] >= counts[1] >= counts[2] and counts[0] > counts[2]
    fixed = [accelerated(model, quality="fixed", closer_than_told=closer) for closer in (0.0, 12.0)]
    for run in fixed:
        run.sample(STEPS)
    assert fixed[1].record.closeness.decibels == pytest.approx(fixed[0].record.closeness.decibels + 12, abs=0.01)


def test_most_computed_is_kept_and_the_line_says_how_close_that_came(model: ModelPatcher) -> None:
    run = accelerated(model, quality="same", most_computed=6)
    run.sample(STEPS)
    assert len(run.record.full_steps) <= 6
    assert f"({run.record.closeness.figure})" in run_line(run.record)
    assert run_line(run.record).endswith(
        "less close than quality same asks (50 dB). Set most_computed higher, or to 0.")


@pytest.mark.parametrize("sampler", ["euler", "heun"])
@pytest.mark.parametrize("correction", ["on", "off"])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_most_computed_steps_are_computed(
    model: ModelPatcher, sampler: str, correction: str, most: int
) -> None:
    run = accelerated(model, quality="same", most_computed=most, correction=correction)
    assert run.sample(STEPS, sampler=sampler).isfinite().all()
    assert len(run.record.full_steps) == most
    assert sum(each.full for each in run.record.evaluations) <= (1 + (sampler == "heun")) * most


def test_under_noise_that_is_all_new_a_limit_says_what_it_does(model: ModelPatcher) -> None:
    run = accelerated(model, quality="close", most_computed=8)
    run.sample(STEPS, sampler="lcm")
    assert len(run.record.full_steps) == 8 and run.record.fallbacks == [NOISE_AND_LIMIT]
    assert run_line(run.record).endswith("Set most_computed higher, or to 0. 1 note, see the report.")


def test_the_picture_of_a_batch_that_differs_most_is_told(model: ModelPatcher) -> None:
    inputs = {"quality": "fixed", "interval": 5, "placement": "even"}
    both = accelerated(model, **inputs)
    both.sample(STEPS, batch=2)
    assert both.record.closeness is not None
    one = accelerated(model, **inputs)
    one.sample(STEPS, batch=1)
    # The first picture of the batch has the same noise as the single one.
    assert both.record.closeness.decibels <= one.record.closeness.decibels + 0.01


def test_values_that_are_not_numbers_give_no_figure(model: ModelPatcher) -> None:
    broken = tiny_flux()

    def break_it(step: int, *_: object) -> None:
        if step == 8:
            broken.model.diffusion_model.final_layer.linear.weight.data.fill_(math.nan)

    run = accelerated(broken)
    run.sample(STEPS, callback=break_it)
    assert run.record.closeness is None
    assert f"how close the picture is, is not known. {NO_NUMBERS}" in run_line(run.record)
    assert any("rest of the run was computed in full" in note for note in run.record.fallbacks)


def test_a_run_that_was_stopped_says_nothing_of_its_picture(model: ModelPatcher) -> None:
    run = accelerated(model)

    def stop(step: int, *_: object) -> None:
        if step == 14:
            raise comfy.model_management.InterruptProcessingException

    with pytest.raises(comfy.model_management.InterruptProcessingException):
        run.sample(STEPS, callback=stop)
    assert not run.record.complete and run.record.closeness is None
    assert "dB" not in run_line(run.record)


def test_processes_that_share_a_picture_compute_as_many_steps_as_interval_says(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "processes", lambda: 2)
    settings = TapSettings(quality="close", interval=5)
    run = TapRun(settings, [1 - i / 50 for i in range(51)], "Flux")
    assert plan_of(run).marks.count("f") == 12
    assert run.record.fallbacks == [SHARED_QUALITY]


@pytest.mark.parametrize(("sampler", "inputs"), [
    ("euler", {"quality": "draft"}), ("euler", {"quality": "fixed", "interval": 5}), ("heun", {"quality": "draft"}),
    ("lcm", {"quality": "close", "most_computed": 8}), ("dpmpp_2m", {"quality": "fixed", "interval": 4})], ids=str)
def test_the_run_says_where_it_stands_as_it_does_at_its_end(
    model: ModelPatcher, monkeypatch: pytest.MonkeyPatch, sampler: str, inputs: dict
) -> None:
    said, finish = [], TapRun.finish

    def finish_and_say(run: TapRun, *latents: torch.Tensor) -> None:
        finish(run, *latents)
        said.append(run.so_far)

    monkeypatch.setattr(TapRun, "finish", finish_and_say)
    run = accelerated(model, **inputs)
    run.sample(STEPS, sampler=sampler)
    assert said[0] == "" and said[-1] == f"so far {run.record.closeness}"
    assert len(set(said)) > 2


def test_the_plan_names_the_quality(model: ModelPatcher) -> None:
    run = TapRun(TapSettings(quality="good"), [1 - i / 20 for i in range(21)], "Flux")
    assert plan_of(run).words == "20 steps; as many are computed as quality good takes"
    assert run.so_far == ""
