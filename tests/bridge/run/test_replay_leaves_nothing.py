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
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.run import replaying
from torch import Tensor

from custom_runs import SIZE, STEPS, custom, euler, sigmas_of
from tiny_flux import distance, prompt, tiny_flux
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


def other_prompt(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, disable: bool
                 ) -> Tensor:
    """Euler's method, whose second half has the prompts the other way round, in the guider's own dict."""
    conds = model.inner_model.conds
    usual, half = dict(conds), len(sigmas) // 2
    x = euler(model, x, sigmas[:half], extra_args, callback, disable)
    conds["positive"], conds["negative"] = usual["negative"], usual["positive"]
    x = euler(model, x, sigmas[half - 1 :], extra_args, lambda step: callback({**step, "i": step["i"] + half - 1}),
              disable)
    conds.update(usual)
    return x


def test_what_a_sampler_changes_in_the_guiders_prompts_is_put_back(model: ModelPatcher) -> None:
    run = custom(lambda: comfy.samplers.KSAMPLER(other_prompt))
    on = assert_nobody_notices(model, run, replays=False)  # prompts that change are noted
    off = watched_with_tap(model, run, "off")
    assert on.passes > 3 and on.record.skipped_steps
    stock = watched(model, run).picture
    assert distance(on.picture, stock) < 1.2 * distance(off.picture, stock)


class Scheduled(comfy.samplers.CFGGuider):
    """Another guidance at each step, set by its own callback."""

    def sample(self, *args: object, callback: Callable, **kwargs: object) -> Tensor:
        self.step, self.seen = 0, []

        def told(step: int, *rest: object) -> None:
            self.step += 1
            self.seen.append(step)
            self.cfg = 2.0 + 0.2 * self.step
            callback(step, *rest)

        return super().sample(*args, callback=told, **kwargs)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral"])
def test_what_a_callback_sets_stays(model: ModelPatcher, sampler: str) -> None:
    made: list[Scheduled] = []

    def guider(model: ModelPatcher) -> Scheduled:
        made.append(Scheduled(model))
        return made[-1]

    run = custom(lambda: comfy.samplers.sampler_object(sampler), guider)
    stock, on = watched(model, run), watched_with_tap(model, run)
    assert [(one.step, one.cfg, one.seen) for one in made] == [(STEPS, 2.0 + 0.2 * STEPS, list(range(STEPS)))] * 2
    off = watched_with_tap(model, run, "off")
    assert distance(on.picture, stock.picture) < 1.2 * distance(off.picture, stock.picture)


def test_what_is_noted_on_the_sampler_in_a_call_stays(model: ModelPatcher) -> None:
    made: list[comfy.samplers.KSAMPLER] = []

    def sampler() -> comfy.samplers.KSAMPLER:
        made.append(comfy.samplers.KSAMPLER(lambda *args, log, **more: euler(*args, **more), {"log": []}))
        made[-1].asked = 0
        return made[-1]

    def count(executor: Callable, *args: object, **kwargs: object) -> Tensor:
        made[-1].asked += 1
        made[-1].extra_options["log"].append(made[-1].asked)
        return executor(*args, **kwargs)

    counted = model.clone()
    counted.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "another node", count)
    assert_nobody_notices(counted, custom(sampler))
    assert [one.asked for one in made] == [STEPS] * 3
    assert all(one.extra_options["log"] == list(range(1, STEPS + 1)) for one in made)


def test_a_callback_is_no_replay_and_what_it_draws_is_drawn_once(model: ModelPatcher) -> None:
    def drawn(tap: bool) -> tuple[list[float], float]:
        numbers: list[float] = []
        run = custom(lambda: comfy.samplers.sampler_object("euler"))

        def sample(model: ModelPatcher, callback: Callback) -> Tensor:
            def told(*step: object) -> None:
                time.sleep(0.02)
                numbers.append(float(torch.rand(1)))
                callback(*step)

            return run(model, told)

        record = watched_with_tap(model, sample).record if tap else watched(model, sample).record
        return numbers, record.seconds_replayed if tap else 0.0

    (stock, _), (tapped, replayed) = drawn(tap=False), drawn(tap=True)
    assert tapped == stock and len(set(stock)) == STEPS
    assert replayed < 0.02 * STEPS / 3


class OfTheClass:
    """A sampler that is given as a class."""

    @classmethod
    def sample(cls, *args: object, **kwargs: object) -> Tensor:
        return comfy.samplers.sampler_object("euler").sample(*args, **kwargs)


def test_a_sampler_may_be_a_class(model: ModelPatcher) -> None:
    assert_nobody_notices(model, custom(lambda: OfTheClass))


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
