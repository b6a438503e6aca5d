"""Samplers that differentiate through the model, and models that are trained: nothing is forecast there."""

from __future__ import annotations

from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.run.evaluation import is_differentiated
from tap_pack.nodes.comfy_bridge.run.wrappers import TRAINED
from torch import Tensor

from matrix_stage import STAGES
from tiny_flux import Accelerated, distance

STEPS = 12
NODE = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}


def forwards(call: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The answer, and its derivative along x."""
    return torch.func.jvp(call, (x,), (x / x.norm(),))


def by_dual_numbers(call: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The same without torch.func."""
    with torch.inference_mode(False), torch.no_grad(), torch.autograd.forward_ad.dual_level():
        x = x.clone()
        answer = call(torch.autograd.forward_ad.make_dual(x, x / x.norm()))
        return tuple(torch.autograd.forward_ad.unpack_dual(answer))


def backwards(call: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The answer, and the gradient of its sum."""
    with torch.inference_mode(False), torch.enable_grad():
        x = x.detach().clone().requires_grad_(True)
        answer = call(x)
        return answer.detach(), torch.autograd.grad(answer.sum(), x)[0] / x.numel()


def differentiating(derive: Callable, first: int) -> comfy.samplers.KSAMPLER:
    """Euler's method that adds a little of a derivative from step `first` on."""

    def sample(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable, **_: object) -> Tensor:
        for i in range(len(sigmas) - 1):
            def call(x: Tensor, sigma: Tensor = sigmas[i]) -> Tensor:
                return model(x, sigma * torch.ones(len(x)), **extra_args)

            denoised, more = derive(call, x) if i >= first else (call(x), 0)
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i]) + 1e-3 * more
        return x

    return comfy.samplers.KSAMPLER(sample)


def picture(stage: str, model: ModelPatcher, sampler: object) -> Tensor:
    """The picture of a model of the matrix; gradients can be switched on by the sampler."""
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(STAGES[stage].prompt(), STAGES[stage].negative())
    guider.set_cfg(2.0)
    with torch.inference_mode():
        return STAGES[stage].guided(guider, STEPS, sampler)


# ComfyUI's FLUX has operators in place: outside inference mode it has only some derivatives.
@pytest.mark.parametrize(("stage", "derive"), [
    ("FLUX", forwards), ("demo model", forwards), ("UNet", forwards), ("UNet", backwards)])
def test_a_sampler_that_differentiates_gets_the_full_model(stage: str, derive: Callable) -> None:
    sampler, accelerated = differentiating(derive, 0), Accelerated(STAGES[stage].build(), **NODE)
    full = picture(stage, STAGES[stage].build(), sampler)
    assert torch.equal(picture(stage, accelerated.model, sampler), full)
    record = accelerated.record
    assert record.complete and record.full_steps == list(range(STEPS))
    (reason,) = [reason for reason in record.fallbacks if "derivatives" in reason]
    assert "euler" in reason


def test_dual_numbers_are_seen() -> None:
    seen = []
    by_dual_numbers(lambda x: (seen.append(is_differentiated(x)), x)[1], torch.ones(3))
    assert seen == [True]
    with torch.inference_mode():
        assert not is_differentiated(torch.ones(3))


@pytest.mark.parametrize(("stage", "derive"), [("demo model", forwards), ("UNet", forwards), ("UNet", backwards)])
def test_a_sampler_may_begin_to_differentiate_during_the_run(stage: str, derive: Callable) -> None:
    sampler, accelerated = differentiating(derive, 6), Accelerated(STAGES[stage].build(), **NODE)
    full = picture(stage, STAGES[stage].build(), sampler)
    assert distance(picture(stage, accelerated.model, sampler), full) < 0.2
    record = accelerated.record
    assert record.skipped_steps and max(record.skipped_steps) < 6
    # Nothing of the later steps may be looked at, so nothing shows how wrong the last forecasts were.
    assert record.closeness is None and record.why_unknown in record.fallbacks


class Trainer(comfy.samplers.Sampler):
    """Some steps of training of the first weights, with gradients, at random sigmas."""

    def sample(self, model: Callable, sigmas: Tensor, extra_args: dict, callback: object, noise: Tensor,
               *_: object, **__: object) -> Tensor:
        random, self.gradients = torch.Generator().manual_seed(0), []
        for _ in range(6):
            x = noise.clone().requires_grad_(True)
            answer = model(x, torch.rand(1, generator=random).requires_grad_(True), **extra_args)
            answer.square().mean().backward()
            self.gradients.append(x.grad)
        return torch.zeros_like(noise)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("interval", [1, 5])
def test_nothing_is_forecast_for_a_model_that_is_trained(training: bool, interval: int) -> None:
    def gradients(tap: bool) -> tuple[list[Tensor], Accelerated | None]:
        model, trainer = STAGES["UNet"].build(), Trainer()
        model.model.requires_grad_(False).train(training)
        accelerated = Accelerated(model, interval=interval, **NODE) if tap else None
        guider = comfy.samplers.CFGGuider(accelerated.model if tap else model)
        guider.set_conds(STAGES["UNet"].prompt(), STAGES["UNet"].prompt())
        guider.set_cfg(1.0)
        STAGES["UNet"].guided(guider, STEPS, trainer)
        return trainer.gradients, accelerated

    (full, _), (found, accelerated) = gradients(False), gradients(True)
    assert len(found) == 6 and all(torch.equal(*pair) for pair in zip(found, full, strict=True))
    assert accelerated.record.skipped_steps == []
    if training:
        assert accelerated.record.evaluations == [] and accelerated.record.fallbacks == [TRAINED]
