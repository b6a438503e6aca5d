"""Samplers that evaluate the model several times at one noise level."""

from __future__ import annotations

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.sampling.levels import SEVERAL_LATENTS, Levels

from custom_levels import guided_by_another, renoising
from custom_runs import STEPS, custom
from tiny_flux import Accelerated, distance, tiny_flux

OURS = {"target": "auto", "correction": "on", "trust": "learned", "placement": "change", "interval": 5}
TWICE = ("heun", "heunpp2", "exp_heun_2_x0", "sa_solver_pece")


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def pictures(model: ModelPatcher, sampler: object, **inputs: object) -> tuple[float, Accelerated]:
    """The error against the full picture, and the accelerated model."""
    sample, accelerated = custom(sampler), Accelerated(model, **{**OURS, **inputs})
    with torch.inference_mode():
        full = sample(model, None)
        return float(distance(sample(accelerated.model, None), full)), accelerated


def test_each_latent_of_a_level_is_forecast_from_its_own_past(
    model: ModelPatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, accelerated = pictures(model, guided_by_another)
    assert accelerated.record.skipped_steps and len(accelerated.record.evaluations) == 2 * STEPS
    monkeypatch.setattr(Levels, "latent", 0)
    mixed, _ = pictures(model, guided_by_another)
    assert error < 0.7 * mixed


@pytest.mark.parametrize("sampler", [renoising, guided_by_another], ids=["new noise", "a second picture"])
def test_the_report_says_that_there_are_several_latents(model: ModelPatcher, sampler: object) -> None:
    _, accelerated = pictures(model, sampler)
    assert accelerated.record.skipped_steps and accelerated.record.fallbacks == [SEVERAL_LATENTS]


@pytest.mark.parametrize("name", TWICE)
def test_a_level_that_is_evaluated_twice_for_one_latent_is_forecast_as_ever(
    model: ModelPatcher, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one() -> object:
        return comfy.samplers.sampler_object(name)

    error, accelerated = pictures(model, one)
    monkeypatch.setattr(Levels, "judge", lambda *_: False)
    before, unjudged = pictures(model, one)
    assert error == before
    assert [e.full for e in accelerated.record.evaluations] == [e.full for e in unjudged.record.evaluations]


@pytest.mark.parametrize("sampler", [renoising, guided_by_another], ids=["new noise", "a second picture"])
def test_off_is_the_same_picture(model: ModelPatcher, sampler: object) -> None:
    assert pictures(model, sampler, interval=1)[0] == 0
