"""The model is told another sigma than the sampler's, as nodes for more or less detail do it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import comfy.sample
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from matrix_stage import STAGES
from other_ways import Told
from tiny_flux import Accelerated, distance

STEPS = 20
NODE = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}
SHIFTS: dict[str, Callable[[int], float]] = {
    "0.1 % lower": lambda step: 0.999,
    "3 % lower": lambda step: 0.97,
    "3 % higher": lambda step: 1.03,
    "most in the middle": lambda step: 1 - 0.1 * max(0, 1 - abs(step - 10) / 6),
    "from the middle of a gap": lambda step: 0.97 if step >= 9 else 1,
    "one up, one down": lambda step: 1 + 0.02 * (-1) ** step,
}


def shifted(shift: Callable[[int], float], name: str = "euler", **options: object) -> comfy.samplers.KSAMPLER:
    """A sampler of ComfyUI around such a model."""
    inner = comfy.samplers.ksampler(name, options)

    def sample(model: Callable, x: Tensor, sigmas: Tensor, **kwargs: object) -> Tensor:
        return inner.sampler_function(Told(model, sigmas, shift), x, sigmas, **kwargs, **inner.extra_options)

    return comfy.samplers.KSAMPLER(sample)


def picture(stage: str, model: ModelPatcher, sampler: comfy.samplers.KSAMPLER,
            callback: Callable | None = None) -> Tensor:
    """The picture of a model of the matrix."""
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(STAGES[stage].prompt(), STAGES[stage].negative())
    guider.set_cfg(2.0)
    torch.manual_seed(0)
    with torch.inference_mode():
        return STAGES[stage].guided(guider, STEPS, sampler, callback=callback)


def error(stage: str, sampler: comfy.samplers.KSAMPLER) -> tuple[float, Accelerated]:
    """Relative error with TAP's node, and the node."""
    accelerated = Accelerated(STAGES[stage].build(), **NODE)
    full = picture(stage, STAGES[stage].build(), sampler)
    return distance(picture(stage, accelerated.model, sampler), full), accelerated


@cache
def computed_without_a_shift(stage: str) -> int:
    """The number of steps that are computed where the model is told the sampler's own sigma."""
    accelerated = Accelerated(STAGES[stage].build(), **NODE)
    picture(stage, accelerated.model, shifted(lambda step: 1))
    return len(accelerated.record.full_steps)


@pytest.mark.parametrize("stage", ["FLUX", "demo model"])
@pytest.mark.parametrize("name", SHIFTS)
def test_a_shifted_sigma_is_forecast(stage: str, name: str) -> None:
    wrong, accelerated = error(stage, shifted(SHIFTS[name]))
    assert accelerated.record.fallbacks == []
    assert [e.position for e in accelerated.record.evaluations] == list(range(STEPS))
    assert len(accelerated.record.full_steps) <= computed_without_a_shift(stage) + 1
    assert wrong < 0.05


def test_a_multistep_sampler_is_forecast_as_well() -> None:
    wrong, accelerated = error("demo model", shifted(lambda step: 0.97, "dpmpp_2m"))
    assert accelerated.record.skipped_steps and wrong < 0.08


@pytest.mark.parametrize("churn", [0.05, 0.4, 4.0])
def test_churn_is_no_shifted_sigma(churn: float) -> None:
    wrong, accelerated = error("demo model", shifted(lambda step: 1, s_churn=churn))
    assert wrong == 0 and accelerated.record.skipped_steps == []
    assert any("adds noise" in reason for reason in accelerated.record.fallbacks)


@pytest.mark.parametrize("name", ["heun", "dpm_2"])
def test_second_evaluations_at_shifted_sigmas_are_computed_from_there(name: str) -> None:
    wrong, accelerated = error("demo model", shifted(lambda step: 0.97, name))
    assert len(accelerated.record.skipped_steps) <= 1 and wrong < 0.05
    assert any("from there on" in reason for reason in accelerated.record.fallbacks)


def test_the_callback_of_the_node_is_still_called() -> None:
    seen: list[int] = []
    picture("FLUX", Accelerated(STAGES["FLUX"].build(), **NODE).model, shifted(lambda step: 1),
            lambda step, *_: seen.append(step))
    assert seen == list(range(STEPS))
