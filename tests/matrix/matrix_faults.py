"""Rows: what goes wrong in a run leaves nothing behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import comfy.model_management
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.sampling.run import TapRun
from torch import Tensor, nn

from matrix_row import Holds, Row, accelerate
from matrix_stage import STEPS, Stage

GROUP = "Faults"
HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def marks(model: ModelPatcher) -> list[tuple]:
    """Everything that a hook or a shadow could leave on the modules."""
    return [(*sorted(vars(part)), *(len(getattr(part, kind)) for kind in HOOKS)) for part in model.model.modules()]


def blocks(model: ModelPatcher) -> list[nn.Module]:
    """All blocks of the model; of a UNet, its last ones."""
    inner = model.model.diffusion_model
    names = ("double_blocks", "single_blocks", "blocks", "output_blocks")
    found = [block for name in names for block in getattr(inner, name, [])]
    return [block[0] if isinstance(block, nn.Sequential) else block for block in found]


def stopped(stage: Stage) -> str:
    """Interrupted after each step in turn: nothing is left behind, and the next picture is right."""
    model, holder = accelerate(stage.build())
    wanted, before = stage.sample(model), marks(model)
    for last in range(STEPS):

        def stop(step: int, *_: object, last: int = last) -> None:
            if step == last:
                raise InterruptProcessingException

        with pytest.raises(InterruptProcessingException):
            stage.sample(model, callback=stop)
        assert not holder.latest.complete
        assert len(holder.latest.evaluations) <= last + 1
    assert marks(model) == before
    assert torch.equal(stage.sample(model), wanted)
    return f"{STEPS} of {STEPS} times nothing is left behind"


def failing_block(stage: Stage) -> str:
    """An error inside each block in turn reaches the caller unchanged, and nothing is left behind."""
    model, _ = accelerate(stage.build())
    wanted, before = stage.sample(model), marks(model)
    for block in blocks(model):

        def fail(*_: object) -> None:
            raise RuntimeError("something of another node")

        hook = block.register_forward_pre_hook(fail)
        with pytest.raises(RuntimeError, match="something of another node"):
            stage.sample(model)
        hook.remove()
    assert marks(model) == before
    assert torch.equal(stage.sample(model), wanted)
    return "nothing is left behind; the next prompt is right"


def not_a_number(value: float) -> Callable[[Stage], str]:
    """The answer of one step has this value in it."""

    def check(stage: Stage) -> str:
        base = stage.build().clone()
        base.set_model_sampler_post_cfg_function(lambda args: args["denoised"].nan_to_num(0.0, 0.0, 0.0))
        model, holder = accelerate(base, placement="paper")
        calls: list[int] = []

        def spoil(module: nn.Module, args: tuple, output: Tensor) -> Tensor:
            calls.append(1)
            if len(calls) == 2:
                output = output.clone()
                output[..., -1] = value
            return output

        hook = model.model.diffusion_model.register_forward_hook(spoil)
        try:
            assert stage.sample(model).isfinite().all()
        finally:
            hook.remove()
        record = holder.latest
        assert any("not numbers" in reason for reason in record.fallbacks)
        assert record.full_steps[:4] == [0, 1, 2, 3] and record.skipped_steps
        return "that history is dropped, and the report says so"

    return check


def unloaded(stage: Stage) -> str:
    """The model is unloaded between two prompts."""
    model, _ = accelerate(stage.build())
    first = stage.sample(model)
    comfy.model_management.unload_all_models()
    assert torch.equal(stage.sample(model), first)
    return "the same picture"


def in_any_order(stage: Stage) -> str:
    """Runs of other sizes, prompts and lengths change nothing for the next run."""
    model, _ = accelerate(stage.build())
    first = stage.sample(model)
    stage.sample(model, 7, 1.0, latent=stage.latent(2), positive=stage.prompt(8))
    stage.sample(model, 5, sampler="heun", seed=6)
    assert torch.equal(stage.sample(model), first)
    assert torch.equal(stage.sample(accelerate(stage.build())[0]), first)
    return "the same picture"


def two_graphs(stage: Stage) -> str:
    """Two graphs on the same checkpoint run in turn, each with its own TAP node; tests/server does it in a server."""
    base = stage.build()
    one, other = accelerate(base), accelerate(base)
    pictures = [stage.sample(model) for model, _ in (one, other, one, other)]
    assert all(torch.equal(picture, pictures[0]) for picture in pictures)
    assert one[1].latest is not other[1].latest
    assert one[1].latest.report()["full_steps"] == other[1].latest.report()["full_steps"]
    return "the same picture"


def freed(stage: Stage) -> str:
    """After a run, nothing that it remembered takes memory."""
    kept: list[weakref.ref] = []
    remember = TapRun.remember

    def watched(run: TapRun, key: object, probe: Tensor, target: Tensor) -> None:
        kept.extend(weakref.ref(each) for each in (probe, target, run.replay))
        remember(run, key, probe, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TapRun, "remember", watched)
        stage.sample(accelerate(stage.build())[0])
    gc.collect()
    assert kept and not any(reference() is not None for reference in kept)
    assert not [thread for thread in threading.enumerate() if "tap" in thread.name.lower()]
    return "all freed"


BOTH = ("FLUX", "Wan", "UNet")
ROWS = [
    Row(GROUP, "interrupted at every step", Holds("nothing is left behind", stopped), models=BOTH),
    Row(GROUP, "an exception inside each block", Holds("nothing is left behind; the next prompt is right",
                                                      failing_block), models=BOTH),
    Row(GROUP, "NaN in a step's answer", Holds("that history is dropped, and the report says so",
                                               not_a_number(float("nan"))), models=BOTH),
    Row(GROUP, "infinity in a step's answer", Holds("that history is dropped, and the report says so",
                                                    not_a_number(float("inf"))), models=BOTH),
    Row(GROUP, "model unloaded between prompts", Holds("the same picture", unloaded), models=BOTH),
    Row(GROUP, "other runs between two runs", Holds("the same picture", in_any_order), models=BOTH),
    Row(GROUP, "two graphs on one checkpoint, in turn", Holds("the same picture", two_graphs), models=BOTH),
    Row(GROUP, "memory after a run", Holds("all freed", freed), models=BOTH),
]
