"""Samplers and nodes that take the prompts of a call apart: every step is computed, and the report says why."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.run.evaluation import TAKES_APART
from tap_pack.nodes.comfy_bridge.run.waiting_control import WaitingResiduals
from torch import Tensor

from custom_runs import custom, euler
from tiny_flux import Accelerated, sample, tiny_flux
from watched_runs import watched, watched_with_tap


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def reading(kind: str) -> comfy.samplers.KSAMPLER:
    """Euler's method along the picture without the prompt, which a function of this kind tells the sampler."""
    seen = {}

    def before(args: dict) -> list[Tensor]:
        seen["uncond"] = args["conds_out"][1]
        return args["conds_out"]

    def instead(args: dict) -> Tensor:
        seen["uncond"] = args["uncond_denoised"]
        return args["uncond"] + (args["cond"] - args["uncond"]) * args["cond_scale"]

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, **_: object) -> Tensor:
        options = dict(extra_args["model_options"], disable_cfg1_optimization=True)
        options[kind] = [before] if kind == "sampler_pre_cfg_function" else instead
        for sigma, after in pairwise(sigmas):
            denoised = model(x, sigma * x.new_ones(len(x)), **{**extra_args, "model_options": options})
            x = denoised + (x - seen.pop("uncond")) / sigma * after
        return x

    return comfy.samplers.KSAMPLER(sample)


@pytest.mark.parametrize("correction", ["on", "off"])
@pytest.mark.parametrize("kind", ["sampler_pre_cfg_function", "sampler_cfg_function"])
def test_a_sampler_that_takes_the_guidance_apart_gets_every_step(
    model: ModelPatcher, kind: str, correction: str
) -> None:
    run = custom(lambda: reading(kind))
    tapped = watched_with_tap(model, run, correction)
    assert torch.equal(tapped.picture, watched(model, run).picture)
    assert tapped.record.fallbacks == [TAKES_APART] and tapped.record.skipped_steps == []


class Guidance:
    """A function of the model as some nodes have it: an object, which is another one in a deep copy of the options."""

    def __call__(self, args: dict) -> Tensor:
        return args["uncond"] + (args["cond"] - args["uncond"]) * args["cond_scale"]


def test_the_models_own_function_is_no_samplers_also_where_options_are_copied(model: ModelPatcher) -> None:
    def copying(executor: Callable, x: Tensor, timestep: Tensor, model_options: dict, seed: int | None) -> Tensor:
        return executor(x, timestep, copy.deepcopy(model_options), seed)

    guided = model.clone()
    guided.set_model_sampler_cfg_function(Guidance())
    guided.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "another node", copying)
    record = watched_with_tap(guided, custom(lambda: comfy.samplers.sampler_object("euler"))).record
    assert record.skipped_steps and record.fallbacks == []


def test_a_sampler_with_its_own_way_to_the_prompts_gets_every_step(model: ModelPatcher) -> None:
    def batches(args: dict) -> list[Tensor]:
        return comfy.samplers.calc_cond_batch(args["model"], args["conds"], args["input"], args["sigma"],
                                              {**args["model_options"], "sampler_calc_cond_batch_function": None})

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, **more: object) -> Tensor:
        options = {**extra_args["model_options"], "sampler_calc_cond_batch_function": batches}
        return euler(model, x, sigmas, {**extra_args, "model_options": options}, **more)

    run = custom(lambda: comfy.samplers.KSAMPLER(sample))
    tapped = watched_with_tap(model, run)
    assert torch.equal(tapped.picture, watched(model, run).picture)
    assert tapped.record.fallbacks == [TAKES_APART]


def test_a_call_with_other_prompts_than_comfyuis_is_computed(model: ModelPatcher) -> None:
    def one_by_one(apply: Callable, args: dict) -> Tensor:
        made, numbers = [], args["cond_or_uncond"]
        parts = zip(numbers, args["input"].chunk(len(numbers)), args["timestep"].chunk(len(numbers)), strict=True)
        for place, (number, x, sigma) in enumerate(parts):
            own = {name: value.chunk(len(numbers))[place] if isinstance(value, Tensor) else value
                   for name, value in args["c"].items()}
            own["transformer_options"] = {**args["c"]["transformer_options"], "cond_or_uncond": [number]}
            made.append(apply(x, sigma, **own))
        return torch.cat(made)

    wrapped = model.clone()
    wrapped.set_model_unet_function_wrapper(one_by_one)
    accelerated = Accelerated(wrapped, interval=5)
    assert torch.equal(accelerated.sample(12, cfg=2.0), sample(wrapped, 12, cfg=2.0))
    reason, = accelerated.record.fallbacks
    assert "or other prompts, and TAP cannot tell which" in reason and accelerated.record.skipped_steps == []


def test_residuals_that_wait_can_be_copied() -> None:
    asked = []

    def compute() -> dict[str, list]:
        asked.append(True)
        return {"input": [torch.ones(1)]}

    waiting = WaitingResiduals(compute, (True,))
    other = waiting.copy()
    assert asked == [] and other.state == waiting.state
    other["output"] = []
    assert sorted(other) == ["input", "output"] and sorted(waiting) == ["input"] and asked == [True]
