"""What other nodes do in their own way ends no run; if TAP cannot follow, it computes in full."""

from __future__ import annotations

from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.context_windows import ContextHandlerABC
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_custom_sampler
from comfy_extras.nodes_advanced_samplers import SamplerLCMUpscale
from tap_pack.nodes.comfy_bridge.run.others import place_in
from tap_pack.nodes.comfy_bridge.run.wrappers import mixes_noise
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.record.run_line import run_line
from tap_pack.tap_core.record.summary import NOT_REACHED, summary_line
from torch import Tensor

from matrix_guiders import PastTheWrappers
from matrix_patches import TinyControl
from other_ways import copies_options
from tiny_flux import Accelerated, distance, prompt, sample, tiny_flux
from tiny_image_models import ROWS_SD3 as OTHER
from tiny_models import patcher
from tiny_wan_family import T2V

DEFAULTS = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def guided(guider: comfy.samplers.CFGGuider, model: ModelPatcher, sampler: object, steps: int = 12,
           negative: list | None = None) -> Tensor:
    """A picture by a guider and a sampler of another node."""
    guider.set_conds(prompt(), prompt(seed=2) if negative is None else negative)
    guider.set_cfg(2.0)
    latent = torch.zeros(1, 16, 8, 12)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", steps)
    with torch.inference_mode():
        return guider.sample(comfy.sample.prepare_noise(latent, 5), latent, sampler, sigmas, disable_pbar=True, seed=5)


def around(model: ModelPatcher, wrapper: Callable[[Callable, dict], Tensor]) -> ModelPatcher:
    """The model with a wrapper around its calls."""
    wrapped = model.clone()
    wrapped.set_model_unet_function_wrapper(wrapper)
    return wrapped


@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_a_mask_does_not_make_a_plain_sampler_look_noisy(model: ModelPatcher, denoise: float) -> None:
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 2:6, 3:9] = 1
    options = {"latent": torch.randn(1, 16, 8, 12), "noise_mask": mask, "denoise": denoise}
    accelerated = Accelerated(model, interval=5, **DEFAULTS)
    picture, full = accelerated.sample(30, **options), sample(model, 30, **options)
    assert accelerated.record.fallbacks == []
    inside = mask.bool().expand_as(full)
    unmasked = Accelerated(model, interval=5, **{**DEFAULTS, "correction": "off", "target": "denoised"})
    farther = unmasked.sample(30, **options)
    assert distance(picture[inside], full[inside]) < 0.9 * distance(farther[inside], full[inside])


@pytest.mark.parametrize("interval", [1, 5])
def test_a_sampler_that_makes_the_picture_larger_is_computed_in_full_from_there(
    model: ModelPatcher, interval: int
) -> None:
    (sampler,) = SamplerLCMUpscale.execute(scale_ratio=2.0, scale_steps=4, upscale_method="bislerp").args
    full = guided(comfy.samplers.CFGGuider(model), model, sampler)
    accelerated = Accelerated(model, interval=interval, **DEFAULTS)
    assert torch.equal(guided(comfy.samplers.CFGGuider(accelerated.model), model, sampler), full)
    assert any("changes the size" in reason for reason in accelerated.record.fallbacks)


def test_a_wrapper_that_moves_the_picture_from_step_to_step_is_computed_in_full(model: ModelPatcher) -> None:
    def rolling(by: int) -> ModelPatcher:
        calls = [0]

        def wrapper(apply: Callable, args: dict) -> Tensor:
            calls[0] += 1
            shift = by * calls[0]
            return apply(args["input"].roll(shift, -1), args["timestep"], **args["c"]).roll(-shift, -1)

        return around(model, wrapper)

    accelerated = Accelerated(rolling(2), **DEFAULTS)
    assert torch.equal(accelerated.sample(), sample(rolling(2)))
    assert any("moves the picture" in reason for reason in accelerated.record.fallbacks)
    still = Accelerated(rolling(0), **DEFAULTS)
    assert distance(still.sample(), sample(rolling(0))) < 0.15
    assert still.record.skipped_steps and still.record.fallbacks == []


@pytest.mark.parametrize("interval", [1, 5])
def test_a_node_may_copy_the_options_deeply_at_every_step(model: ModelPatcher, interval: int) -> None:
    model = copies_options(model)
    accelerated, full = Accelerated(model, interval=interval, **DEFAULTS), sample(model, 12)
    picture = accelerated.sample(12)
    if interval == 1:
        assert torch.equal(picture, full) and accelerated.record.skipped_steps == []
    else:
        assert 0 < distance(picture, full) < 0.15 and accelerated.record.skipped_steps


class WithOptionsOfBefore(comfy.samplers.CFGGuider):
    """A guider that calls the model with options from before the run."""

    def predict_noise(self, x: Tensor, timestep: Tensor, model_options: dict | None = None, seed: int = 0) -> Tensor:
        return super().predict_noise(x, timestep, {"transformer_options": {}}, seed)


@pytest.mark.parametrize("correction", ["on", "off"])
def test_a_guider_past_the_wrappers_is_forecast_as_any_other(model: ModelPatcher, correction: str) -> None:
    made = []
    for kind in (PastTheWrappers, comfy.samplers.CFGGuider):
        accelerated = Accelerated(model, interval=5, **{**DEFAULTS, "correction": correction})
        picture = guided(kind(accelerated.model), model, comfy.samplers.sampler_object("euler"))
        record = accelerated.record
        made.append((picture, [(e.position, e.full_calls, e.skipped_calls) for e in record.evaluations]))
        assert record.skipped_steps and record.fallbacks == []
    assert torch.equal(made[0][0], made[1][0]) and made[0][1] == made[1][1]


def test_a_guider_past_the_wrappers_is_computed_in_full_where_another_is(model: ModelPatcher) -> None:
    sampler = comfy.samplers.sampler_object("euler_cfg_pp")
    accelerated = Accelerated(model, interval=5, **DEFAULTS)
    full = guided(PastTheWrappers(model), model, sampler)
    assert torch.equal(guided(PastTheWrappers(accelerated.model), model, sampler), full)
    assert any("CFG++" in reason for reason in accelerated.record.fallbacks)


def test_where_no_model_call_comes_to_tap_the_report_says_that_it_had_no_effect(model: ModelPatcher) -> None:
    sampler = comfy.samplers.sampler_object("euler")
    accelerated = Accelerated(model, interval=5, **DEFAULTS)
    full = guided(WithOptionsOfBefore(model), model, sampler)
    assert torch.equal(guided(WithOptionsOfBefore(accelerated.model), model, sampler), full)
    assert accelerated.record.complete and accelerated.record.skipped_steps == []
    assert summary_line(accelerated.record).startswith("No step was forecast. TAP had no effect: the guider, or")
    assert run_line(accelerated.record) == f"No step was forecast. {NOT_REACHED}"


def test_each_tile_has_its_own_history(model: ModelPatcher) -> None:
    def halves(apply: Callable, args: dict) -> Tensor:
        return torch.cat([apply(part, args["timestep"], **args["c"]) for part in args["input"].chunk(2, -1)], -1)

    tiled = around(model, halves)
    accelerated = Accelerated(tiled, **DEFAULTS)
    assert distance(accelerated.sample(20), sample(tiled, 20)) < 0.15
    assert accelerated.record.skipped_steps and accelerated.record.fallbacks == []


def test_the_place_of_a_part_is_found() -> None:
    whole = torch.randn(2, 4, 8, 12)
    assert place_in(whole, whole) == () and place_in(None, whole) == ()
    assert place_in(whole, whole[..., 2:6, 5:9]) == (2, 5)
    assert place_in(whole, whole[:1, :, 4:, :]) == (4, 0)
    for moved in (whole.roll(1, -1), whole[..., 2:6, 5:9] + 1, torch.randn(2, 4, 9, 12), whole[:, :, :3].flip(-1)):
        assert place_in(whole, moved) is None


@pytest.mark.parametrize("interval", [1, 5])
def test_a_wrapper_can_run_the_control_net_itself(model: ModelPatcher, interval: int) -> None:
    given = []

    def wrapper(apply: Callable, args: dict) -> Tensor:
        given.append(args["c"]["control"])
        return apply(args["input"], args["timestep"], **args["c"])

    control = TinyControl()
    accelerated = Accelerated(around(model, wrapper), interval=interval, **DEFAULTS)
    accelerated.sample(positive=prompt(control=control))
    assert control.asked == len(given) == 12
    assert all(type(residuals) is dict for residuals in given)
    assert len(accelerated.record.skipped_steps) == (0 if interval == 1 else 12 - len(accelerated.record.full_steps))


class Windows(ContextHandlerABC):
    """A context handler with only what ComfyUI needs."""

    def should_use_context(self, model: object, conds: object, x: Tensor, *_: object) -> bool:
        return x.shape[2] > 3

    def get_resized_cond(self, cond: object, *_: object) -> object:
        return cond

    def execute(self, calc: Callable, model: object, conds: list, x: Tensor, timestep: Tensor, options: dict) -> list:
        parts = [calc(model, conds, part, timestep, options) for part in x.split(3, dim=2)]
        return [torch.cat(sides, dim=2) for sides in zip(*parts, strict=True)]


def test_a_context_handler_with_only_what_it_needs_does_not_end_the_run() -> None:
    video = patcher(T2V.build_anew())
    video.model_options["context_handler"] = Windows()
    text = [[torch.randn(1, 7, T2V.context), {}]]
    latent = torch.zeros(1, 16, 6, 4, 6)
    options = {"positive": text, "negative": text, "latent": latent}
    full = sample(video, **options)
    accelerated = Accelerated(video, **DEFAULTS)
    assert distance(accelerated.sample(**options), full) < 0.15
    assert accelerated.record.skipped_steps


def test_a_guider_with_two_models_forecasts_each_by_its_own_adapter(model: ModelPatcher) -> None:
    if not hasattr(nodes_custom_sampler, "Guider_DualModel"):
        pytest.skip("not in this ComfyUI")
    dual = nodes_custom_sampler.Guider_DualModel
    other, sampler = patcher(OTHER.build_anew()), comfy.samplers.sampler_object("euler")
    text = [[10 * torch.randn(1, 7, OTHER.context), {"pooled_output": torch.randn(1, OTHER.pooled or 64)}]]
    full = guided(dual(model, other), model, sampler, negative=text)
    accelerated = Accelerated(model, **DEFAULTS)
    picture = guided(dual(accelerated.model, other), model, sampler, negative=text)
    assert distance(picture, full) < 0.15
    assert accelerated.record.skipped_steps


@pytest.mark.parametrize("sampler", ["heun", "heunpp2"])
def test_second_evaluations_are_not_taken_for_noise(model: ModelPatcher, sampler: str) -> None:
    measured, holder = TapMeasureRun.execute(model, "output").args
    sample(measured, 12, sampler=sampler)
    trace = holder.latest
    assert not trace.noisy
    assert len(trace.moved) == 11


def test_flow_models_are_told_from_others_by_how_they_mix_noise(model: ModelPatcher) -> None:
    class Guider:
        def __init__(self, of: ModelPatcher) -> None:
            self.model_patcher = of

    assert mixes_noise(Guider(model)) is True
    other = model.clone()
    other.add_object_patch("model_sampling", comfy.model_base.model_sampling(None, comfy.model_base.ModelType.EPS))
    assert mixes_noise(Guider(other)) is False
    other.add_object_patch("model_sampling", object())
    assert mixes_noise(Guider(other)) is None


def test_a_guider_that_combines_its_prompts_in_its_own_way_counts_them_equally(model: ModelPatcher) -> None:
    class Weighs(comfy.samplers.CFGGuider):
        """A subclass, as other packs and ComfyUI's own nodes make them."""

    for kind, shares in ((Weighs, {0.5}), (comfy.samplers.CFGGuider, {2.0, -1.0})):
        measured, holder = TapMeasureRun.execute(model, "auto").args
        guided(kind(measured), measured, comfy.samplers.sampler_object("euler"))
        assert {condition.share for condition in holder.latest.conditions} == shares
