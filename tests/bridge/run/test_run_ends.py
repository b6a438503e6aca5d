"""A run leaves its record and nothing else, in whatever way it ends."""

from __future__ import annotations

import copy
import gc
import itertools
import logging
import weakref
from collections.abc import Callable

import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.tap_core.sampling.run import TapRun
from torch import Tensor, nn

from tiny_flux import BLOCKS, STEPS, Accelerated, blocks, counted_blocks, prompt, sample, tiny_flux

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs",
         "_forward_hooks_always_called", "_backward_hooks", "_backward_pre_hooks")


@pytest.fixture
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Tensor]]:
    """Weak references to everything that runs keep of a model call."""
    kept: list[weakref.ref[Tensor]] = []
    remember = TapRun.remember

    def watched(run: TapRun, key: object, probe: Tensor, target: Tensor) -> None:
        kept.extend([weakref.ref(probe), weakref.ref(target)])
        remember(run, key, probe, target)

    monkeypatch.setattr(TapRun, "remember", watched)
    return kept


def alive(references: list[weakref.ref[Tensor]]) -> int:
    """How many of the tensors still take memory."""
    gc.collect()
    return sum(reference() is not None for reference in references)


def clean(model: ModelPatcher) -> bool:
    """Whether no module has a hook or a forward of its own."""
    modules = list(model.model.modules())
    return not any(getattr(module, kind) for module in modules for kind in HOOKS) and not any(
        "forward" in module.__dict__ for module in modules
    )


def contents(options: dict) -> dict:
    """A copy of all dicts and lists in model options; other objects are not copied."""
    copied = {}
    for key, value in options.items():
        copied[key] = contents(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
    return copied


class Stop:
    """Raises an error inside a chosen run of a block."""

    def __init__(self, model: ModelPatcher, at: int, error: BaseException, place: int = 2) -> None:
        self.runs, self.at, self.error = itertools.count(1), at, error
        self.hook = blocks(model)[place].register_forward_hook(self)

    def __call__(self, *_: object) -> None:
        if next(self.runs) == self.at:
            self.hook.remove()
            raise self.error


def stop_at(step: int, error: BaseException) -> Callable[..., None]:
    """A sampler callback that ends the run after this step."""

    def callback(at: int, *_: object) -> None:
        if at == step:
            raise error

    return callback


ERRORS = [InterruptProcessingException(), RuntimeError("out of something")]


def test_a_finished_run_frees_what_it_kept(model: ModelPatcher, snapshots: list[weakref.ref[Tensor]]) -> None:
    Accelerated(model).sample(cfg=2.0)
    assert len(snapshots) > 4
    assert alive(snapshots) == 0


def test_a_run_leaves_the_models_as_they_were(model: ModelPatcher) -> None:
    model.set_model_patch_replace(lambda args, extra: extra["original_block"](args), "dit", "double_block", 0)
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "other", lambda executor, *args, **kw: executor(*args, **kw))
    upstream = contents(model.model_options), contents(model.wrappers)
    weights = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    accelerated = Accelerated(model)
    own = contents(accelerated.model.model_options), contents(accelerated.model.wrappers)
    for _ in range(2):
        accelerated.sample(cfg=2.0)
        assert (model.model_options, model.wrappers) == upstream
        assert (accelerated.model.model_options, accelerated.model.wrappers) == own
    assert clean(model)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.model.state_dict().items())


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("where", ["inside a computed call", "between two steps"])
@pytest.mark.parametrize("target", ["residual", "output"])
def test_a_stopped_run_leaves_nothing_behind_and_the_next_is_right(
    model: ModelPatcher, snapshots: list[weakref.ref[Tensor]], target: str, where: str, error: BaseException
) -> None:
    accelerated = Accelerated(model, target=target, interval=3)
    options = contents(accelerated.model.model_options)
    stop = {"callback": stop_at(6, error)} if where == "between two steps" else {}
    if not stop:
        Stop(model, at=4, error=error)
    with pytest.raises(type(error)):
        accelerated.sample(cfg=2.0, **stop)
    error.__traceback__ = None
    assert len(snapshots) > 4
    assert alive(snapshots) == 0
    assert clean(model)
    assert accelerated.model.model_options == options
    assert not accelerated.record.complete
    assert torch.equal(accelerated.sample(cfg=2.0), Accelerated(tiny_flux(), target=target, interval=3).sample(cfg=2.0))
    assert accelerated.record.complete


def test_histories_are_freed_even_if_the_error_is_kept(
    model: ModelPatcher, snapshots: list[weakref.ref[Tensor]]
) -> None:
    with pytest.raises(RuntimeError) as held:
        Accelerated(model).sample(cfg=2.0, callback=stop_at(8, RuntimeError()))
    assert len(snapshots) > 4
    assert alive(snapshots) == 0
    assert held.tb is not None


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_a_forecast_that_is_stopped_leaves_nothing_behind(
    model: ModelPatcher, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    accelerated = Accelerated(model)
    with monkeypatch.context() as patched:
        patched.setattr(TapRun, "forecast", fail)
        with pytest.raises(type(error)):
            accelerated.sample()
    assert clean(model)
    assert accelerated.record.full_steps == [0, 1, 2]
    assert torch.equal(accelerated.sample(), Accelerated(tiny_flux()).sample())


def test_a_stopped_step_counts_neither_as_full_nor_as_skipped(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, interval=3)
    Stop(model, at=4, error=InterruptProcessingException())
    with pytest.raises(InterruptProcessingException):
        accelerated.sample()
    record = accelerated.record
    assert (record.full_steps, record.skipped_steps) == ([0, 1, 2], [3, 4])
    assert 0 < record.median_seconds(full=False) < 1


def test_a_second_prompt_is_accelerated_as_if_it_were_the_first(model: ModelPatcher) -> None:
    accelerated = Accelerated(model)
    accelerated.sample(cfg=2.0, positive=prompt(seed=8), seed=1)
    with counted_blocks(model) as counts:
        second = accelerated.sample(cfg=2.0, seed=2)
    assert counts == dict.fromkeys(range(BLOCKS), 4)
    assert torch.equal(second, Accelerated(tiny_flux()).sample(cfg=2.0, seed=2))


@pytest.mark.parametrize("options", [{"size": (12, 8)}, {"size": (10, 10)}, {"batch": 3}, {"steps": 20}, {"cfg": 3.0}])
def test_the_next_run_may_have_another_shape(model: ModelPatcher, options: dict) -> None:
    accelerated = Accelerated(model)
    accelerated.sample()
    assert torch.equal(accelerated.sample(**options), Accelerated(tiny_flux()).sample(**options))
    assert accelerated.record.fallbacks == []


def test_two_accelerated_models_share_nothing(model: ModelPatcher) -> None:
    """The second runs during the first, from its callback; it has another base model, as ComfyUI's samplers need."""
    first, second = Accelerated(model, interval=3), Accelerated(tiny_flux(seed=1), interval=4, target="output")
    pictures: list[Tensor] = []

    def callback(step: int, *_: object) -> None:
        if step == 5:
            pictures.append(second.sample())

    pictures.append(first.sample(callback=callback))
    assert torch.equal(pictures[0], Accelerated(tiny_flux(seed=1), interval=4, target="output").sample())
    assert torch.equal(pictures[1], Accelerated(tiny_flux(), interval=3).sample())
    assert first.record.full_steps == [0, 1, 2, 5, 8, 11]
    assert second.record.full_steps == [0, 1, 2, 6, 10]


def test_two_nodes_on_one_model_share_nothing(model: ModelPatcher) -> None:
    one, other = Accelerated(model, interval=3), Accelerated(model, interval=4)
    pictures = [one.sample(), other.sample(), one.sample()]
    assert torch.equal(pictures[0], pictures[2])
    assert not torch.equal(pictures[0], pictures[1])
    assert other.record.full_steps == [0, 1, 2, 6, 10]


def test_the_last_of_two_nodes_in_a_row_counts(model: ModelPatcher) -> None:
    first = Accelerated(model, interval=2)
    last = Accelerated(first.model, interval=4)
    assert torch.equal(last.sample(), Accelerated(tiny_flux(), interval=4).sample())
    assert first.holder.latest is None
    assert torch.equal(first.sample(), Accelerated(tiny_flux(), interval=2).sample())


def test_one_of_two_nodes_in_a_row_can_turn_the_other_off(model: ModelPatcher) -> None:
    off = Accelerated(Accelerated(model, interval=4).model, interval=1)
    assert torch.equal(off.sample(), sample(tiny_flux()))


def test_a_record_is_never_of_an_older_run(model: ModelPatcher) -> None:
    accelerated = Accelerated(model)
    accelerated.sample()
    before = accelerated.record
    kept = copy.deepcopy(before)
    during: list[object] = []
    accelerated.sample(20, callback=lambda *_: during.append(accelerated.holder.latest))
    assert set(during) == {None}
    assert (before.steps, accelerated.record.steps) == (STEPS, 20)
    assert before.report() == kept.report()


def test_a_run_says_what_it_plans_keeps_and_did(model: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tap")
    Accelerated(model, interval=3).sample()
    lines = [r for r in caplog.records if r.name == "tap"]
    assert {line.levelno for line in lines} == {logging.INFO}
    plan, done = (line.getMessage() for line in lines)
    assert plan == "TAP: plan: 6 of 12 steps, 2.0x fewer calls, cache 98 kB"
    assert "6 of 12 steps computed" in done and done.endswith("cache 98 kB")


def test_the_record_keeps_no_model_alive() -> None:
    accelerated = Accelerated(tiny_flux())
    accelerated.sample()
    flux: weakref.ref[nn.Module] = weakref.ref(accelerated.model.model.diffusion_model)
    holder = accelerated.holder
    del accelerated
    gc.collect()
    assert holder.latest is not None
    assert flux() is None
