"""Schedules that watch a run, in real runs: calls that turn full at block 0, verified last blocks, no calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.magcache import MagCacheSchedule
from tap_pack.tap_core.schedules.registry import SCHEDULES
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import Tensor

from tiny_flux import BLOCKS, STEPS, Accelerated, counted_blocks, distance, loaded_flux, prompt, sample, tiny_flux

# Every skip is checked at block 0, and none is kept.
NEVER_CONTENT = {
    "TeaCache": TeaCacheSchedule(threshold=0.0, coefficients=(1.0, 0.0)),
    "DiCache": DiCacheSchedule(threshold=0.0, retention=0.0, difference=True),
    "CG-Taylor": ConfidenceGateSchedule(threshold=0.0, warmup=1),
    "TAP with fallback": FallbackSchedule(factor=0.0, warmup=1),
}
# Steps in which a run that never skips shows it.
FEW = 6
# With guidance in one batch, with guidance in two calls of different length, without guidance.
PROMPTS = {"batched": (2.0, 7), "split": (2.0, 9), "alone": (1.0, 7)}
TARGETS = ("residual", "output")


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.fixture(scope="module")
def stock(model: ModelPatcher) -> Callable[..., Tensor]:
    """The picture without TAP, by sampler, steps, guidance and words of the negative prompt; each is made once."""

    @cache
    def made(sampler: str, steps: int = STEPS, cfg: float = 2.0, words: int = 7) -> Tensor:
        return sample(model, steps, cfg, sampler, negative=prompt(words, seed=2))

    return made


def attributes(model: ModelPatcher) -> list[tuple]:
    """Everything that a shadow or a hook could leave."""
    return [(*sorted(vars(part)), len(part._forward_hooks), len(part._forward_pre_hooks))
            for part in model.model.diffusion_model.modules()]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("cfg, words", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("name", NEVER_CONTENT)
def test_a_call_that_turns_full_at_block_0_is_bit_equal_to_a_plain_one(
    model: ModelPatcher, stock: Callable[..., Tensor], name: str, cfg: float, words: int, target: str
) -> None:
    accelerated = Accelerated(model, schedule=NEVER_CONTENT[name], target=target)
    before, negative = attributes(model), prompt(words, seed=2)
    with counted_blocks(model) as counts:
        output = accelerated.sample(FEW, cfg=cfg, negative=negative)
    calls = FEW * (2 if words != 7 else 1)
    assert dict(counts) == dict.fromkeys(range(BLOCKS), calls)
    assert torch.equal(output, stock("euler", FEW, cfg, words))
    assert accelerated.record.full_steps == list(range(FEW))
    assert not accelerated.record.fallbacks
    assert attributes(model) == before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_same_in_half_precision(dtype: torch.dtype) -> None:
    model = tiny_flux(dtype=dtype)
    full = sample(model, 5)
    for schedule in NEVER_CONTENT.values():
        assert torch.equal(Accelerated(model, schedule=schedule).sample(5), full)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("schedule", "full", "first", "last"), [
    (TeaCacheSchedule(threshold=math.inf), 2, 0, 0),
    (DiCacheSchedule(threshold=math.inf, retention=0.2), 4, 1, 0),
    (ConfidenceGateSchedule(threshold=math.inf, warmup=3), 4, 1, 0),
    (SpeculativeSchedule(threshold=math.inf, max_skip=0), 3, 0, 1),
    (FallbackSchedule(factor=math.inf), 4, 0, 0),
])
def test_a_skipped_call_runs_only_the_watched_block(
    model: ModelPatcher, stock: Callable[..., Tensor], schedule: AnySchedule, full: int, first: int, last: int,
    target: str,
) -> None:
    accelerated = Accelerated(model, schedule=schedule, target=target)
    with counted_blocks(model) as counts:
        output = accelerated.sample(cfg=2.0)
    skipped = STEPS - full
    assert counts == {0: full + first * skipped, 1: full, 2: full, 3: full + last * skipped}
    assert len(accelerated.record.full_steps) == full
    assert distance(output, stock("euler")) < 1.0


def test_the_second_call_of_an_evaluation_follows_the_first(model: ModelPatcher) -> None:
    schedule = TeaCacheSchedule(threshold=0.3, coefficients=(1.0, 0.0))
    accelerated = Accelerated(model, schedule=schedule)
    accelerated.sample(cfg=2.0, negative=prompt(9, seed=2))
    evaluations = accelerated.record.evaluations
    assert {(e.full_calls, e.skipped_calls) for e in evaluations} == {(2, 0), (0, 2)}
    assert {e.reason for e in evaluations if e.full} == {"warm-up", "probe changed", "last step"}


@pytest.mark.parametrize("schedule", [
    EasyCacheSchedule(threshold=math.inf, warmup=3), StabilitySchedule(multistep_from=0.3, multistep_term=2),
])
def test_an_approximated_step_calls_no_model(model: ModelPatcher, schedule: AnySchedule) -> None:
    accelerated, calls = Accelerated(model, schedule=schedule), []
    hook = model.model.diffusion_model.img_in.register_forward_hook(lambda *_: calls.append(1))
    try:
        output = accelerated.sample(20)
    finally:
        hook.remove()
    full = accelerated.record.full_steps
    assert len(calls) == len(full) < 14
    assert len(accelerated.record.skipped_steps) == 20 - len(full)
    assert distance(output, sample(model, 20)) < 0.5


def test_teacache_decides_by_the_probes_of_a_full_run_until_its_first_skip(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, schedule=TeaCacheSchedule(threshold=0.2, coefficients=(1.0, 0.0)))
    accelerated.sample(20)
    loose = Accelerated(model, schedule=TeaCacheSchedule(threshold=0.6, coefficients=(1.0, 0.0)))
    loose.sample(20)
    assert 2 < len(loose.record.full_steps) < len(accelerated.record.full_steps) < 20


def every_schedule() -> list[AnySchedule]:
    """One of each, loose enough to skip steps."""
    made = {
        "interval": IntervalSchedule(3, 2), "list of steps": ListedSchedule((0, 1, 4, 7)),
        "TeaCache": TeaCacheSchedule(threshold=1.0, coefficients=(1.0, 0.0)), "MagCache": MagCacheSchedule(always=()),
        "EasyCache": EasyCacheSchedule(threshold=0.5, warmup=3), "CG-Taylor": ConfidenceGateSchedule(threshold=1.0),
        "TC-Pade": TrajectoryStabilitySchedule(threshold=0.0),
    }
    return [made.get(name) or kind() for name, kind in SCHEDULES.items()]


# Kinds of samplers, as a schedule sees them: a step's second evaluation at the next step's sigma, or between the two;
# noise that moves x; memory of the steps before, with and without a corrector.
SAMPLERS = ("heun", "dpm_2", "euler_ancestral", "dpmpp_2m", "uni_pc")
# Kinds of schedules, as a sampler sees them: by a plan, by block 0, by the last block, by x without any model call.
ALL_SAMPLERS = (IntervalSchedule, TeaCacheSchedule, SpeculativeSchedule, StabilitySchedule)


def schedules_by_sampler() -> Iterator[tuple[AnySchedule, str]]:
    """Every schedule where evaluations come twice a step and where noise comes; one of each kind on every sampler."""
    for schedule in every_schedule():
        for sampler in SAMPLERS if isinstance(schedule, ALL_SAMPLERS) else ("dpm_2", "euler_ancestral"):
            yield schedule, sampler


@pytest.mark.parametrize(("schedule", "sampler"), schedules_by_sampler(),
                         ids=lambda each: each if isinstance(each, str) else type(each).__name__)
def test_every_schedule_works_with_every_sampler_kind(
    model: ModelPatcher, stock: Callable[..., Tensor], schedule: AnySchedule, sampler: str
) -> None:
    """A schedule asks the sampler for nothing but where its evaluations are and how x moves, so pairs suffice.

    tests/bridge/run/test_replay_schedules.py has those that watch a run on three samplers, evaluation by evaluation.
    """
    accelerated = Accelerated(model, schedule=schedule)
    output = accelerated.sample(STEPS, cfg=2.0, sampler=sampler)
    assert output.isfinite().all()
    assert accelerated.record.complete
    assert accelerated.record.skipped_steps
    assert distance(output, stock(sampler)) < 1.0


def test_a_list_that_does_not_fit_the_run_leaves_stock_and_says_why(
    model: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    output = Accelerated(model, schedule=ListedSchedule((0, 30))).sample()
    assert torch.equal(output, sample(model))
    assert "goes up to 30, but this run has 12 steps" in caplog.text


def test_the_report_names_the_schedule_and_not_what_it_replaces(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, schedule=TeaCacheSchedule(), interval=1)
    accelerated.sample()
    assert "TeaCache" in str(accelerated.record.settings["given_schedule"])
    assert "interval" not in accelerated.record.settings


@pytest.mark.parametrize("stop", [2, 6])
def test_an_interrupted_run_leaves_nothing_behind(model: ModelPatcher, stop: int) -> None:
    before, count = attributes(model), []

    def callback(step: int, *args: object) -> None:
        count.append(step)
        if len(count) == stop:
            raise KeyboardInterrupt

    run: Callable[..., object] = Accelerated(model, schedule=DiCacheSchedule(threshold=1.0, retention=0.0)).sample
    with pytest.raises(KeyboardInterrupt):
        run(callback=callback)
    assert attributes(model) == before
