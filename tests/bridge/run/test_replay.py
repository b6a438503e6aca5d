"""Replay under every sampler of ComfyUI: nothing but the picture is another one than without."""

from __future__ import annotations

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher

from tiny_flux import sample, tiny_flux
from watched_runs import Sample, adds_noise, assert_nobody_notices, watched, watched_with_tap

OWN_STEPS = {"dpm_fast", "dpm_adaptive"}
IN_FULL = OWN_STEPS | {name for name in comfy.samplers.SAMPLER_NAMES if "cfg_pp" in name}
FORECAST = [name for name in comfy.samplers.SAMPLER_NAMES if name not in IN_FULL]


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def sampled(sampler: str, steps: int = 10, **options: object) -> Sample:
    """A small picture by this sampler."""
    return lambda model, callback: sample(model, steps, 2.0, sampler, size=(4, 6), callback=callback, **options)


@pytest.mark.parametrize("sampler", FORECAST)
def test_nobody_notices_that_the_sampler_goes_again(model: ModelPatcher, sampler: str) -> None:
    # With few steps so much noise is new that what drifted is buried; lcm draws all of it anew.
    steps = 20 if adds_noise(sampler) else 10
    on = assert_nobody_notices(model, sampled(sampler, steps), replays=sampler != "lcm")
    assert on.record.fallbacks == [] and on.passes > 2
    assert on.steps == list(range(steps))
    if adds_noise(sampler):  # where nothing is drawn, nothing can differ
        assert torch.equal(watched_with_tap(model, sampled(sampler, steps)).picture, on.picture)


@pytest.mark.parametrize("sampler", sorted(IN_FULL))
def test_what_is_computed_in_full_stays_as_it_is(model: ModelPatcher, sampler: str) -> None:
    on, stock = watched_with_tap(model, sampled(sampler)), watched(model, sampled(sampler))
    assert torch.equal(on.picture, stock.picture)
    assert (on.calls, on.steps, on.drawn) == (stock.calls, stock.steps, stock.drawn)
    assert on.record.skipped_steps == []


NOTHING_SKIPPED = [({"interval": 1}, name) for name in comfy.samplers.SAMPLER_NAMES]
# The warm-up covers the run; another way to the same, so that one sampler of each kind suffices.
NOTHING_SKIPPED += [({"interval": 5, "warmup_steps": 4}, name)
                    for name in ("euler", "heun", "dpm_2", "dpmpp_2m", "uni_pc", "dpmpp_sde", "dpm_adaptive")]


@pytest.mark.parametrize(("settings", "sampler"), NOTHING_SKIPPED, ids=str)
def test_where_nothing_is_skipped_the_sampler_is_called_once(model: ModelPatcher, settings: dict, sampler: str) -> None:
    stock, on = watched(model, sampled(sampler, 4)), watched_with_tap(model, sampled(sampler, 4), **settings)
    assert torch.equal(on.picture, stock.picture)
    assert (on.calls, on.steps, on.passes, on.drawn) == (stock.calls, stock.steps, 1, stock.drawn)


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde"])
def test_the_picture_is_one_of_the_seed(model: ModelPatcher, sampler: str) -> None:
    pictures = [watched_with_tap(model, sampled(sampler, seed=seed)).picture for seed in (5, 6, 5)]
    assert torch.equal(pictures[0], pictures[2])
    assert not torch.equal(pictures[0], pictures[1])


@pytest.mark.parametrize("settings", [{"cache_device": "cpu"}, {"target": "residual"}, {"placement": "change"},
                                      {"trust": "full"}, {"time_axis": "sigma"}, {"interval": 5}])
def test_the_same_with_other_settings(model: ModelPatcher, settings: dict) -> None:
    assert_nobody_notices(model, sampled("heun", 12), **settings)


