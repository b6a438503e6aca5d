"""If TAP cannot work, the model runs in full, and the log and the record say why, once."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable

import comfy.model_patcher
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.tap_core.sampling.run import TapRun
from torch import Tensor, nn

from tiny_flux import BLOCKS, STEPS, Accelerated, counted_blocks, distance, prompt, sample, tiny_flux

TARGETS = ("residual", "output")


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """TAP's warnings in the log."""
    caplog.set_level(logging.WARNING, logger="tap")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "tap" and r.levelno == logging.WARNING]


@pytest.fixture
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


class NoTransformer(nn.Module):
    """A class that no adapter knows."""

    dtype = torch.float32

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor, timestep: Tensor, **_: object) -> Tensor:
        return x * self.weight + timestep[:, None, None, None]


class Careless:
    """Replaces `Flux.forward_orig`, as some nodes do, and from call `start` on breaks what TAP relies on."""

    def __init__(self, model: ModelPatcher, start: int = 1) -> None:
        self.flux, self.calls, self.start = model.model.diffusion_model, 0, start
        self.original = self.flux.forward_orig
        self.flux.forward_orig = self

    def __call__(self, *args: object, transformer_options: dict, **kwargs: object) -> Tensor:
        self.calls += 1
        run = self.original if self.calls < self.start else self.broken
        return run(*args, transformer_options=transformer_options, **kwargs)

    def broken(self, *args: object, **kwargs: object) -> Tensor:
        raise NotImplementedError


class NoBlocksReplaced(Careless):
    """It runs the blocks without asking for replacements."""

    def broken(self, *args: object, transformer_options: dict, **kwargs: object) -> Tensor:
        options = {key: value for key, value in transformer_options.items() if key != "patches_replace"}
        return self.original(*args, transformer_options=options, **kwargs)


class AnotherFinalLayer(Careless):
    """It uses another final layer."""

    def broken(self, *args: object, **kwargs: object) -> Tensor:
        layer, self.flux.final_layer = self.flux.final_layer, copy.deepcopy(self.flux.final_layer)
        for hooks in (self.flux.final_layer._forward_hooks, self.flux.final_layer._forward_pre_hooks):
            hooks.clear()
        try:
            return self.original(*args, **kwargs)
        finally:
            self.flux.final_layer = layer


def test_a_model_that_tap_cannot_reach_into_is_forecast_by_its_input_and_output(model: ModelPatcher) -> None:
    model.model.diffusion_model = NoTransformer()
    accelerated = Accelerated(model)
    picture = accelerated.sample()
    assert len(accelerated.record.full_steps) < STEPS
    assert distance(picture, sample(model)) < 0.2
    reason, = accelerated.record.fallbacks
    assert "TAP does not know the blocks of" in reason


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("broken", [NoBlocksReplaced, AnotherFinalLayer])
@pytest.mark.parametrize("start", [1, 4])
def test_a_replaced_forward_that_cannot_be_captured_is_run_in_full(
    model: ModelPatcher, warnings: Callable[[], list[str]], broken: type[Careless], target: str, start: int
) -> None:
    stock = sample(model, cfg=3.0)
    broken(model, start)
    accelerated = Accelerated(model, target=target)
    assert torch.equal(accelerated.sample(cfg=3.0), stock)
    record = accelerated.record
    assert record.full_steps == list(range(STEPS))
    assert record.predictor_shares == {}
    assert warnings() == [f"TAP: {reason}" for reason in record.fallbacks]
    assert len(warnings()) == 1


def test_a_run_that_falls_back_keeps_no_histories(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[TapRun] = []
    remember = TapRun.remember
    monkeypatch.setattr(TapRun, "remember", lambda run, *args: (runs.append(run), remember(run, *args))[1])
    kept: list[int] = []
    NoBlocksReplaced(model, start=4)
    Accelerated(model).sample(callback=lambda *_: kept.append(len(runs[-1].memory.histories) if runs else 0))
    assert kept[2:] == [1] + [0] * (STEPS - 3)


@pytest.mark.parametrize("target", TARGETS)
def test_the_next_run_tries_again(model: ModelPatcher, warnings: Callable[[], list[str]], target: str) -> None:
    replaced = NoBlocksReplaced(model)
    accelerated = Accelerated(model, target=target)
    accelerated.sample()
    model.model.diffusion_model.forward_orig = replaced.original
    assert torch.equal(accelerated.sample(), Accelerated(tiny_flux(), target=target).sample())
    assert accelerated.record.fallbacks == []
    assert len(warnings()) == 1


def grown(
    executor: Callable[..., Tensor], x: Tensor, t: Tensor, *args: object, twice: bool, **kwargs: object
) -> Tensor:
    """The model's output for x, which it gets next to another picture, or as the left half of a wider one."""
    if not twice:
        return executor(torch.cat([x, x], dim=-1), t, *args, **kwargs)[..., : x.shape[-1]]
    concat, text, *rest = args
    kwargs = {name: torch.cat([value, value]) if torch.is_tensor(value) else value for name, value in kwargs.items()}
    return executor(torch.cat([x, x]), torch.cat([t, t]), concat, torch.cat([text, text]), *rest, **kwargs)[: len(x)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("twice", [True, False])
def test_a_size_that_changes_in_the_middle_of_a_run_starts_a_new_history(
    model: ModelPatcher, target: str, twice: bool
) -> None:
    """Another node's wrapper may give the model anything."""
    calls = itertools.count()

    def sixth(executor: Callable[..., Tensor], *args: object, **kwargs: object) -> Tensor:
        return grown(executor, *args, twice=twice, **kwargs) if next(calls) == 5 else executor(*args, **kwargs)

    accelerated = Accelerated(model, target=target, interval=20, orders="1")
    wrappers = accelerated.model.wrappers[WrappersMP.APPLY_MODEL]
    accelerated.model.wrappers[WrappersMP.APPLY_MODEL] = {"sixth": [sixth], **wrappers}
    assert accelerated.sample(9).isfinite().all()
    record = accelerated.record
    assert record.full_steps == [0, 1, 2, 5, 6]
    highest = {e.step: int(e.choices[0].order.max()) for e in record.evaluations if e.choices}
    assert highest == {3: 1, 4: 1, 7: 0, 8: 0}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", ["cosine", "l2", "l1"])
@pytest.mark.parametrize("layer", ["img_in", "final_layer", "single_blocks"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_model_that_turns_to_nan_does_not_stop_the_run(
    model: ModelPatcher, target: str, loss: str, layer: str, after: int
) -> None:
    """Before the last step of the warm-up, so that NaN is remembered, or just before a skipped step."""

    def break_stream(step: int, *_: object) -> None:
        for weight in getattr(model.model.diffusion_model, layer).parameters() if step == after else []:
            weight.fill_(float("nan"))

    accelerated = Accelerated(model, target=target, proxy_loss=loss)
    assert accelerated.sample(9, cfg=2.0, size=(4, 4), callback=break_stream).isnan().all()
    assert accelerated.record.complete
    # The residual does not contain what the final layer does; that comes back only with the next x.
    at_once = after == 1 and (layer, target) != ("final_layer", "residual")
    assert accelerated.record.full_steps == (list(range(9)) if at_once else [0, 1, 2, 7, 8])
    (reason,) = accelerated.record.fallbacks
    assert "not numbers" in reason


def test_a_model_call_outside_any_evaluation_runs_unchanged(model: ModelPatcher) -> None:
    """Before the first step and after the last, and if a sampler does not use `predict_noise`."""
    accelerated = Accelerated(model, interval=3)
    calls: list[Tensor] = []

    def around(executor: Callable[..., Tensor], guider: object, sigmas: Tensor, extra: dict, *args: object) -> Tensor:
        x = torch.ones(1, 16, 8, 12)
        conditions = guider.conds["positive"]

        def call() -> None:
            calls.append(comfy.samplers.calc_cond_batch(
                guider.inner_model, [conditions], x, sigmas[:1], extra["model_options"])[0])

        call()
        output = executor(guider, sigmas, extra, *args)
        call()
        return output

    accelerated.model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, "around", around)
    with counted_blocks(model) as counts:
        picture = accelerated.sample()
    assert torch.equal(*calls)
    assert counts == dict.fromkeys(range(BLOCKS), 6 + 2)
    assert torch.equal(picture, Accelerated(tiny_flux(), interval=3).sample())


@pytest.mark.parametrize("target", TARGETS)
def test_a_condition_that_another_node_runs_twice_keeps_two_histories(model: ModelPatcher, target: str) -> None:
    """As skip-layer guidance does on some steps: the same condition again, with blocks left out."""

    def guide(model: ModelPatcher) -> ModelPatcher:
        def post_cfg(args: dict) -> Tensor:
            options = comfy.model_patcher.set_model_options_patch_replace(
                args["model_options"].copy(), lambda args, extra: args, "dit", "single_block", 1)
            if not 0.3 < float(args["sigma"][0]) < 0.95:
                return args["denoised"]
            (without,) = comfy.samplers.calc_cond_batch(
                args["model"], [args["cond"]], args["input"], args["sigma"], options)
            return args["denoised"] + 2 * (args["cond_denoised"] - without)

        model = model.clone()
        model.set_model_sampler_post_cfg_function(post_cfg)
        return model

    full = sample(guide(model), 24, positive=prompt(), cfg=2.0)
    accelerated = Accelerated(guide(model), target=target, interval=3)
    assert distance(full, sample(model, 24, cfg=2.0)) > 0.1
    assert distance(accelerated.sample(24, cfg=2.0), full) < 0.06
