"""TAP Accelerate in whole runs of a tiny FLUX: what is computed, what is forecast, and how close it stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

from tiny_flux import BLOCKS, Accelerated, counted_blocks, distance, prompt, sample, tiny_flux

TARGETS = ("residual", "output")


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


def planned(steps: int, interval: int, warmup: int = 3) -> list[int]:
    """The steps that the schedule computes."""
    return full_steps(IntervalSchedule(interval, warmup), Timeline(tuple(float(steps - i) for i in range(steps + 1))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("guidance", [True, False])
def test_interval_1_is_bit_identical_to_stock(dtype: torch.dtype, guidance: bool) -> None:
    model = tiny_flux(guidance, dtype)
    off = Accelerated(model, interval=1)
    assert torch.equal(off.sample(5, cfg=2.0), sample(model, 5, cfg=2.0))
    assert off.record.full_steps == list(range(5))
    assert off.record.cache_bytes == 0


def test_a_bypassed_node_leaves_stock(model: ModelPatcher) -> None:
    before = sample(model)
    assert not torch.equal(Accelerated(model).sample(), before)
    assert torch.equal(sample(model), before)


def test_a_run_no_longer_than_the_warm_up_is_bit_identical_to_stock(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, interval=5, warmup_steps=4)
    assert torch.equal(accelerated.sample(4), sample(model, 4))
    assert torch.equal(accelerated.sample(1), sample(model, 1))
    assert accelerated.record.full_steps == [0]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("interval", "warmup"), [(5, 3), (2, 0), (4, 1), (20, 3)])
def test_block_calls_are_those_of_the_schedule(model: ModelPatcher, target: str, interval: int, warmup: int) -> None:
    accelerated = Accelerated(model, target=target, interval=interval, warmup_steps=warmup)
    full = planned(20, interval, warmup)
    with counted_blocks(model) as counts:
        accelerated.sample(20)
    assert counts == dict.fromkeys(range(BLOCKS), len(full))
    assert accelerated.record.full_steps == full
    assert accelerated.record.skipped_steps == [step for step in range(20) if step not in full]
    assert accelerated.record.fallbacks == []


@pytest.mark.parametrize("guidance", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_the_picture_stays_close(guidance: bool, target: str) -> None:
    model = tiny_flux(guidance)
    accelerated = Accelerated(model, target=target, interval=3)
    full = sample(model, 24, cfg=2.0, batch=2)
    assert distance(sample(model, 24, cfg=2.0, batch=2, positive=prompt(seed=3)), full) > 0.3
    assert 0 < distance(accelerated.sample(24, cfg=2.0, batch=2), full) < 0.04


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("target", TARGETS)
def test_half_precision_stays_as_close_as_full(dtype: torch.dtype, target: str) -> None:
    errors, half = [], tiny_flux(dtype=dtype)
    for model in (half, tiny_flux()):
        accelerated = Accelerated(model, target=target, interval=3)
        errors.append(distance(accelerated.sample(size=(4, 6)), sample(model, size=(4, 6))))
    assert errors[0] < 1.1 * errors[1] + 2 * rounding(half)


def rounding(model: ModelPatcher) -> float:
    """What this processor rounds: how far apart stock's pictures are, conditions in one batch and in two calls."""
    split = model.clone()
    one_by_one(split, lambda: 0)
    return distance(*(sample(each, size=(4, 6), cfg=2.0) for each in (split, model)))


# Per sampler: model evaluations in 20 steps, those that are computed, and the error allowed.
SAMPLERS = {
    "euler": (20, 7, 0.05),
    "heun": (39, 13, 0.05),  # the same sigma twice
    "dpm_2": (39, 14, 0.07),  # between two steps
    "heunpp2": (57, 18, 0.05),  # forward and back
    "dpmpp_2m": (20, 7, 0.05),
    "uni_pc": (20, 7, 0.05),
    "euler_ancestral": (20, 7, 0.2),
    "dpmpp_sde": (39, 14, 0.25),  # a slightly changed first sigma, and noise
    "lcm": (20, 7, 0.45),  # new noise at every step
}


@pytest.fixture(scope="module")
def stock(model: ModelPatcher) -> Callable[[str], Tensor]:
    """The picture without TAP by a sampler, each made once."""
    return cache(lambda sampler: sample(model, 20, 2.0, sampler))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_kind_of_sampler_follows_the_schedule(
    model: ModelPatcher, stock: Callable[[str], Tensor], sampler: str, target: str
) -> None:
    evaluations, computed, allowed = SAMPLERS[sampler]
    accelerated = Accelerated(model, interval=4, target=target)
    with counted_blocks(model) as counts:
        picture = accelerated.sample(20, 2.0, sampler)
    record = accelerated.record
    assert counts == dict.fromkeys(range(BLOCKS), computed)
    assert (len(record.evaluations), sum(e.full for e in record.evaluations)) == (evaluations, computed)
    assert record.full_steps == planned(20, 4) == [0, 1, 2, 6, 10, 14, 18]
    assert not any(e.full and e.skipped_calls for e in record.evaluations)
    assert picture.isfinite().all()
    assert distance(picture, stock(sampler)) < allowed


def one_by_one(model: ModelPatcher, memory: Callable[[], float]) -> None:
    """Let ComfyUI find this much free memory before each model call: with none, it batches no conditions."""
    model.get_free_memory = lambda _: memory()


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_in_one_batch_or_in_two_calls_give_the_same_picture(model: ModelPatcher, target: str) -> None:
    batched, split = Accelerated(model, target=target), Accelerated(model, target=target)
    one_by_one(split.model, lambda: 0)
    pictures = [each.sample(cfg=3.0, batch=2) for each in (batched, split)]
    assert [each.record.evaluations[0].full_calls for each in (batched, split)] == [1, 2]
    assert distance(*pictures) < 1e-4
    assert distance(pictures[0], sample(model, cfg=3.0, batch=2)) > 1e-3


@pytest.mark.parametrize("target", TARGETS)
def test_the_layout_may_change_in_the_middle_of_a_run(model: ModelPatcher, target: str) -> None:
    steady, changing = Accelerated(model, target=target), Accelerated(model, target=target)
    memory = itertools.cycle([1e12, 0, 0, 1e12, 0])
    one_by_one(changing.model, lambda: next(memory))
    pictures = [each.sample(cfg=3.0, batch=2) for each in (changing, steady)]
    calls = [e.full_calls + e.skipped_calls for e in changing.record.evaluations]
    assert set(calls[:3]) == set(calls[3:]) == {1, 2}
    assert distance(*pictures) < 1e-4
    assert changing.record.full_steps == steady.record.full_steps
    assert changing.record.fallbacks == []


@pytest.mark.parametrize("target", TARGETS)
def test_texts_of_different_length_have_no_larger_error(model: ModelPatcher, target: str) -> None:
    errors = {}
    for words in (7, 9):
        options = {"cfg": 3.0, "negative": prompt(words, seed=2)}
        accelerated = Accelerated(model, target=target, interval=4)
        errors[words] = distance(accelerated.sample(20, **options), sample(model, 20, **options))
        assert accelerated.record.evaluations[0].full_calls == (1 if words == 7 else 2)
        assert {c.condition for e in accelerated.record.evaluations for c in e.choices} == {0, 1}
    assert 0.5 < errors[9] / errors[7] < 2


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_that_share_an_id_keep_their_own_histories(model: ModelPatcher, target: str) -> None:
    """ComfyUI gives a copy of a masked condition, id and all, to the other side."""
    options = {"cfg": 3.0, "positive": prompt() + prompt(seed=4, area=(4, 8, 0, 0))}
    accelerated = Accelerated(model, target=target, interval=4)
    assert distance(accelerated.sample(20, **options), sample(model, 20, **options)) < 0.06
    assert accelerated.record.full_steps == planned(20, 4)
    assert accelerated.record.fallbacks == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_condition_that_appears_in_a_skipped_step_is_computed_there(model: ModelPatcher, target: str) -> None:
    late = [[text, {**extra, "start_percent": 0.5}] for text, extra in prompt(9, seed=4)]
    accelerated = Accelerated(model, target=target, interval=6)
    picture = accelerated.sample(24, positive=prompt() + late)
    partly = [e for e in accelerated.record.evaluations if e.full_calls and e.skipped_calls]
    assert len(partly) == 1
    assert partly[0].step not in planned(24, 6)
    assert distance(picture, sample(model, 24, positive=prompt() + late)) < 0.06


def test_a_masked_picture_is_kept_where_it_is_masked(model: ModelPatcher) -> None:
    latent = torch.randn(1, 16, 8, 12)
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 6:] = 1
    accelerated = Accelerated(model, interval=4)
    options = {"latent": latent, "noise_mask": mask}
    picture, full = accelerated.sample(20, **options), sample(model, 20, **options)
    assert torch.allclose(picture[..., :6], latent[..., :6], atol=1e-5)
    assert distance(picture, full) < 0.05
    assert accelerated.record.full_steps == planned(20, 4)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("options", "steps"),
    [({"denoise": 0.5}, 20), ({"start_step": 4, "last_step": 16}, 12), ({"start_step": 8, "disable_noise": True}, 12)],
)
def test_a_part_of_a_run_has_its_own_schedule(
    model: ModelPatcher, target: str, options: dict, steps: int
) -> None:
    options = {**options, "latent": torch.randn(1, 16, 8, 12)}
    accelerated = Accelerated(model, target=target, interval=4)
    picture = accelerated.sample(20, **options)
    assert accelerated.record.steps == steps
    assert accelerated.record.full_steps == planned(steps, 4)
    assert distance(picture, sample(model, 20, **options)) < 0.06


def test_sigmas_that_fall_slowly_are_followed_step_by_step(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, interval=4)
    accelerated.sample(60, scheduler="beta")
    assert accelerated.record.full_steps == planned(60, 4)
    assert [e.position for e in accelerated.record.evaluations] == list(range(60))


def test_sigmas_that_rise_again_count_as_later_steps(model: ModelPatcher) -> None:
    sigmas = torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.7, 0.6, 0.5, 0.4, 0.2, 0.0])
    accelerated = Accelerated(model, interval=3, time_axis="sigma")
    picture = accelerated.sample(sigmas=sigmas)
    assert [e.position for e in accelerated.record.evaluations] == list(range(11))
    assert distance(picture, sample(model, sigmas=sigmas)) < 0.1


@pytest.mark.parametrize("target", TARGETS)
def test_histories_on_the_cpu_give_the_same_picture(model: ModelPatcher, target: str) -> None:
    kept, moved = (Accelerated(model, target=target, cache_device=device) for device in ("gpu", "cpu"))
    assert torch.equal(kept.sample(cfg=2.0), moved.sample(cfg=2.0))


@pytest.mark.parametrize("axis", ["step", "sigma"])
@pytest.mark.parametrize("loss", ["cosine", "l2", "l1"])
def test_every_loss_and_axis_stays_close(model: ModelPatcher, loss: str, axis: str) -> None:
    accelerated = Accelerated(model, proxy_loss=loss, time_axis=axis, interval=3)
    assert distance(accelerated.sample(24, cfg=2.0), sample(model, 24, cfg=2.0)) < 0.05


def test_all_samplers_named_here_are_comfyuis() -> None:
    assert set(comfy.samplers.KSampler.SAMPLERS) >= SAMPLERS.keys()
