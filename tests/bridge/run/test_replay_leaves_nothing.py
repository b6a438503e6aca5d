"""A pass is left in its middle: what the sampler, the guider or the model did in it is not there in the next one."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.run import replaying
from torch import Tensor

from custom_runs import SIZE, STEPS, custom, euler, sigmas_of
from tiny_flux import prompt, tiny_flux
from watched_runs import Callback, Sample, assert_nobody_notices, watched, watched_with_tap


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def other_guidance(neat: bool, each: bool) -> Callable:
    """Euler's method under a guidance of its own; it is put back behind each step or at the end, neatly or not."""

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool
               ) -> Tensor:
        guider = model.inner_model
        usual = guider.cfg
        try:
            for i in range(len(sigmas) - 1):
                guider.cfg = usual * (1 - 0.5 * i / len(sigmas))
                denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
                if each:
                    guider.cfg = usual
                callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
                x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        finally:
            if neat:
                guider.cfg = usual
        guider.cfg = usual
        return x

    return sample


@pytest.mark.parametrize("each", [False, True])
def test_what_a_sampler_sets_on_the_guider_is_put_back(model: ModelPatcher, each: bool) -> None:
    made: list[comfy.samplers.CFGGuider] = []

    def guider(model: ModelPatcher) -> comfy.samplers.CFGGuider:
        made.append(comfy.samplers.CFGGuider(model))
        return made[-1]

    pictures = [assert_nobody_notices(model, custom(
        lambda neat=neat: comfy.samplers.KSAMPLER(other_guidance(neat, each)), guider)).picture
        for neat in (True, False)]
    assert torch.equal(*pictures)
    assert {one.cfg for one in made} == {2.0}


def test_a_sampler_may_use_up_what_it_was_given(model: ModelPatcher) -> None:
    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool,
               to_do: list, known: dict) -> Tensor:
        to_do.pop()
        known["seen"].append(known.pop("new"))
        return euler(model, x, sigmas, extra_args, callback, disable)

    assert_nobody_notices(model, custom(lambda: comfy.samplers.KSAMPLER(
        sample, extra_options={"to_do": [1], "known": {"new": 2, "seen": []}})))


class InPlace(comfy.samplers.Sampler):
    """It makes its start in the latent that it was given, and calls back by names."""

    def sample(self, model_wrap: Callable, sigmas: Tensor, extra_args: dict, callback: Callable, noise: Tensor,
               latent_image: Tensor, denoise_mask: Tensor | None = None, disable_pbar: bool = False) -> Tensor:
        x = latent_image.mul_(1 - sigmas[0]).add_(noise, alpha=float(sigmas[0]))
        for i in range(len(sigmas) - 1):
            denoised = model_wrap(x, sigmas[i : i + 1], **extra_args)
            callback(step=i, x0=denoised, x=x, total_steps=len(sigmas) - 1)
            x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        return x


def in_place(model: ModelPatcher, callback: Callback) -> Tensor:
    """A run of it from a picture, denoise below 1."""
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(prompt(), prompt(seed=2))
    guider.set_cfg(2.0)
    latent = torch.randn(SIZE, generator=torch.Generator().manual_seed(9))

    def told(step: int, x0: Tensor, x: Tensor, total_steps: int) -> None:
        callback(step)

    return guider.sample(torch.randn(SIZE, generator=torch.Generator().manual_seed(5)), latent, InPlace(),
                         sigmas_of(model, 2 * STEPS)[STEPS:], callback=told, disable_pbar=True, seed=5)


def test_a_sampler_may_write_into_its_latent(model: ModelPatcher) -> None:
    on = assert_nobody_notices(model, in_place, replays=False)  # it counts passes of ComfyUI's own class alone
    off = watched_with_tap(model, in_place, "off")
    assert on.record.skipped_steps and not on.record.fallbacks and not torch.equal(on.picture, off.picture)


def drawing(model: ModelPatcher, drawn: list[float]) -> ModelPatcher:
    """A model with a node that draws noise at each evaluation."""

    def stir(args: dict) -> Tensor:
        noise = torch.randn(args["denoised"].shape)
        drawn.append(float(noise.flatten()[0]))
        return args["denoised"] + 0.001 * noise

    clone = model.clone()
    clone.set_model_sampler_post_cfg_function(stir)
    return clone


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_what_is_drawn_inside_the_model_is_drawn_once_and_in_order(model: ModelPatcher, sampler: str) -> None:
    run: Sample = custom(lambda: comfy.samplers.sampler_object(sampler))
    plain, tapped = [], []
    stock = watched(drawing(model, plain), run)
    on = watched_with_tap(drawing(model, tapped), run)
    assert on.passes > 3 and on.record.fallbacks == []
    assert len(set(plain)) == len(plain) >= STEPS
    assert tapped == plain and on.drawn == stock.drawn


def test_the_guider_that_a_sampler_gets_can_be_copied(model: ModelPatcher) -> None:
    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool
               ) -> Tensor:
        inner = copy.copy(model.inner_model)
        assert isinstance(inner, comfy.samplers.CFGGuider) and inner.cfg == 2.0
        inner.cfg = 9.0
        assert model.inner_model.cfg == 2.0
        return euler(model, x, sigmas, extra_args, callback, disable)

    assert_nobody_notices(model, custom(lambda: comfy.samplers.KSAMPLER(sample)))


def test_a_sampler_whose_own_work_is_done_again_is_told_so(
    model: ModelPatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool) -> Tensor:
        def answer(*args: object, **kwargs: object) -> Tensor:
            time.sleep(0.01)
            return model(*args, **kwargs)

        return euler(answer, x, sigmas, extra_args, callback, disable)

    monkeypatch.setattr(replaying, "NOTED", 0.1)
    run = custom(lambda: comfy.samplers.KSAMPLER(slow))
    reason, = watched_with_tap(model, run).record.fallbacks
    assert re.match(r"Repaying the errors of the forecasts took \d s of this run, .*Switch correction off", reason)
    assert watched_with_tap(model, run, "off").record.fallbacks == []
