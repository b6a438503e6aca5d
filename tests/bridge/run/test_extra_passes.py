"""A guider that runs the model once more on some steps only, as one for LTX-2 does on every second step."""

from __future__ import annotations

import comfy.sample
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.sampling.memory import SOMETHING_NEW
from torch import Tensor

from tiny_flux import Accelerated, distance, prompt, tiny_flux

STEPS = 20
PAPER_STEPS = [0, 1, 2, 7, 12, 17]


class ThirdPass(comfy.samplers.CFGGuider):
    """Two prompts at every step, and a third one at steps `first`, `first` + `every`, ..."""

    def __init__(self, model: ModelPatcher, every: int, first: int) -> None:
        super().__init__(model)
        self.every, self.first, self.step = every, first, -1
        self.inner_set_conds({"positive": prompt(), "negative": prompt(seed=2), "third": prompt(seed=3)})

    def predict_noise(self, x: Tensor, timestep: Tensor, model_options: dict, seed: int | None = None) -> Tensor:
        """Guidance, and a push away from the third prompt."""
        self.step += 1
        both = [self.conds["negative"], self.conds["positive"]]
        negative, positive = comfy.samplers.calc_cond_batch(self.inner_model, both, x, timestep, model_options)
        guided = negative + 2.0 * (positive - negative)
        if self.step % self.every != self.first:
            return guided
        (third,) = comfy.samplers.calc_cond_batch(self.inner_model, [self.conds["third"]], x, timestep, model_options)
        return guided + 0.7 * (positive - third)


def sample(model: ModelPatcher, every: int, first: int) -> Tensor:
    """What a SamplerCustomAdvanced node makes with this guider."""
    latent = torch.zeros(1, 16, 8, 12)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", STEPS)
    with torch.inference_mode():
        return ThirdPass(model, every, first).sample(
            comfy.sample.prepare_noise(latent, 5), latent, comfy.samplers.sampler_object("euler"), sigmas,
            disable_pbar=True, seed=5)


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


@pytest.mark.parametrize("first", [0, 1])
def test_a_third_pass_on_every_second_step_is_forecast(model: ModelPatcher, first: int) -> None:
    accelerated = Accelerated(model)
    picture, record = sample(accelerated.model, 2, first), accelerated.record
    assert [e.step for e in record.evaluations if e.full] == record.full_steps == PAPER_STEPS
    assert {e.skipped_calls for e in record.evaluations if not e.full} == {1, 2}
    assert record.fallbacks == []
    assert distance(picture, sample(model, 2, first)) < 0.08


@pytest.mark.parametrize(("first", "computed"), [(3, [3]), (0, [])])
def test_a_third_pass_is_computed_when_it_comes_and_when_its_history_is_too_old(
    model: ModelPatcher, first: int, computed: list[int]
) -> None:
    """On every fifth step: steps 3, 8, 13 and 18, none of them a step that the schedule computes; 0, 5, 10 and 15."""
    accelerated = Accelerated(model)
    picture, record = sample(accelerated.model, 5, first), accelerated.record
    partly = [e for e in record.evaluations if e.full_calls and e.skipped_calls]
    assert [e.step for e in partly][: len(computed)] == computed
    assert 0 < len(partly) < 4
    assert all(e.reason == "new condition or size" for e in partly)
    assert record.fallbacks == [SOMETHING_NEW]
    assert distance(picture, sample(model, 5, first)) < 0.08
