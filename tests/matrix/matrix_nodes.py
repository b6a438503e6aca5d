"""Rows: all nodes of ComfyUI that change a model, or give a sampler or sigmas, each with its defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from torch import Tensor

from comfy_nodes import made_by, that_take_and_give
from matrix_row import Holds, Row, accelerate, relative_error
from matrix_stage import Stage

# torch.compile has its own rows. Merging nodes for one model are ModelMergeBlocks under other names.
ELSEWHERE = ("TorchCompileModel",)
MERGING = ("ModelMergeSimple", "ModelMergeBlocks", "ModelMergeAdd")
# The second depends on how busy the machine is.
REPORTED = ("came or changed", "does work of its own at each step")
# A model with its weights doubled no longer gives smooth answers.
WILD = ("ModelMergeAdd",)
WITHIN, OF_NOISE = 0.4, 0.8
# Steps with a node on the model: its effect is there at each of them, and four are forecast.
FEW = 8
Sample = Callable[[ModelPatcher], Tensor]


class Came(Counter):
    """How many nodes had which result."""

    def __str__(self) -> str:
        return ", ".join(f"{count} {words}" for words, count in self.items())


def compared(name: str, full: Tensor, accelerated: tuple[ModelPatcher, object], sample: Sample, within: float) -> str:
    """The result of TAP together with a node; raises AssertionError if it is wrong or not reported."""
    model, holder = accelerated
    picture, record = sample(model), holder.latest
    told = record.fallbacks
    if not record.skipped_steps or "skips steps by itself" in " ".join(told):
        assert told and relative_error(picture, full) == 0, f"{name}: {told}"
        return "in full, and says why"
    error = relative_error(picture, full)
    assert picture.isfinite().all() and (error < within or name in WILD), f"{name}: {error:.2f}"
    assert all(any(words in reason for words in REPORTED) for reason in told), f"{name}: {told}"
    return "forecast"


def model_nodes(stage: Stage) -> str:
    """Before TAP and after TAP: the same result, and a picture close to the one without TAP."""
    came, short = Came(), partial(stage.sample, steps=FEW)
    for name in that_take_and_give(("MODEL",), "MODEL"):
        if name in ELSEWHERE or (name.startswith("ModelMerge") and name not in MERGING):
            continue
        # Each node has a model of its own: it may have changed more than its clone.
        model = stage.build()
        try:
            full = short(changed(name, model))
        except Exception:  # a node may raise anything for a model that it does not support
            came["do not run on this model without TAP"] += 1
            continue
        plain, holder = accelerate(model)
        both = [compared(name, full, each, short, WITHIN) for each in (
            accelerate(changed(name, model)), (changed(name, plain), holder))]
        assert both[0] == both[1], f"{name}: {both}"
        came[both[0]] += 1
    assert came["forecast"] > 20
    return str(came)


def changed(name: str, model: ModelPatcher) -> ModelPatcher:
    """The model after a node."""
    return made_by(name, lambda kind: model)


def sampler_nodes(stage: Stage) -> str:
    """SamplerCustom with each of them."""
    came = Came()
    for name in that_take_and_give((), "SAMPLER"):
        came[beside(stage, name, lambda model, name=name: stage.guided(guider(stage, model), sampler=made_by(
            name, lambda kind: model)))] += 1
    assert came["forecast"] > 5
    return str(came)


def sigma_nodes(stage: Stage) -> str:
    """SamplerCustom with the sigmas of each."""
    came = Came()
    for name in that_take_and_give((), "SIGMAS"):
        came[beside(stage, name, lambda model, name=name: stage.guided(guider(stage, model), sigmas=made_by(
            name, lambda kind: model)))] += 1
    assert came["forecast"] > 5
    return str(came)


def beside(stage: Stage, name: str, sample: Sample) -> str:
    """The result of one node: with TAP, against without."""
    try:
        full = sample(stage.build())
    except Exception:  # it may want other sigmas, or another model, and raise anything to say so
        return "do not run on this model without TAP"
    if not full.isfinite().all():
        return "give no numbers without TAP"
    return compared(name, full, accelerate(stage.build()), sample, OF_NOISE)


def guider(stage: Stage, model: ModelPatcher) -> CFGGuider:
    """The guider of a SamplerCustom node."""
    made = CFGGuider(model)
    made.set_conds(stage.prompt(), stage.negative())
    made.set_cfg(2.0)
    return made


TOLD = "forecast, or computed in full, and says why"
ROWS = [
    Row("Other nodes on the model", "every node of ComfyUI that changes a model, with its defaults, before TAP and "
        "after TAP", Holds(TOLD, model_nodes), models=("FLUX", "UNet")),
    Row("Samplers and steps", "every node of ComfyUI that gives a sampler", Holds(TOLD, sampler_nodes),
        models=("demo model",)),
    Row("Samplers and steps", "every node of ComfyUI that gives sigmas", Holds(TOLD, sigma_nodes), models=("UNet",)),
]
