"""Rows: all nodes of ComfyUI that change a model, or give a sampler or sigmas, each with its defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from torch import Tensor

from comfy_nodes import made_by, that_take_and_give
from matrix_row import Holds, Row, accelerate, distance
from matrix_stage import Stage

# torch.compile has rows of its own; merging nodes for single models are ModelMergeBlocks by other names.
ELSEWHERE = ("TorchCompileModel",)
MERGING = ("ModelMergeSimple", "ModelMergeBlocks", "ModelMergeAdd")
# Twice a model's weights make a model that no longer gives smooth answers.
WILD = ("ModelMergeAdd",)
WITHIN, OF_NOISE, LITTLE = 0.4, 0.8, 1e-4
Sample = Callable[[ModelPatcher], Tensor]


class Came(Counter):
    """How many nodes came to what."""

    def __str__(self) -> str:
        return ", ".join(f"{count} {words}" for words, count in self.items())


def compared(name: str, full: Tensor, accelerated: tuple[ModelPatcher, object], sample: Sample, within: float) -> str:
    """What came of TAP beside a node; raises AssertionError where it is not right or not told."""
    model, holder = accelerated
    picture, record = sample(model), holder.latest
    told = [reason for reason in record.fallbacks if "Drift" not in reason]
    if not record.skipped_steps or "skips steps by itself" in " ".join(told):
        assert told and distance(picture, full) == 0, f"{name}: {told}"
        return "in full, and says why"
    error = distance(picture, full)
    assert picture.isfinite().all() and (error < within or name in WILD), f"{name}: {error:.2f}"
    assert all("came or changed" in reason for reason in told), f"{name}: {told}"
    return "forecast"


def model_nodes(stage: Stage) -> str:
    """In front of TAP and behind it: the same picture, near the one without TAP."""
    came = Came()
    for name in that_take_and_give(("MODEL",), "MODEL"):
        if name in ELSEWHERE or (name.startswith("ModelMerge") and name not in MERGING):
            continue
        try:
            full = stage.sample(changed(name, stage.build()))
        except Exception:  # whatever a node says of a model that it is not for
            came["do not run on this model without TAP"] += 1
            continue
        behind, holder = accelerate(stage.build())
        both = [compared(name, full, each, stage.sample, WITHIN) for each in (
            accelerate(changed(name, stage.build())), (changed(name, behind), holder))]
        assert both[0] == both[1], f"{name}: {both}"
        came[both[0]] += 1
    assert came["forecast"] > 20
    return str(came)


def changed(name: str, model: ModelPatcher) -> ModelPatcher:
    """The model behind a node."""
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
    """One of them with TAP and without."""
    try:
        full = sample(stage.build())
    except Exception:  # as it likes to tell that it wants other sigmas, or another model
        return "do not run on this model without TAP"
    if not full.isfinite().all():
        return "give no numbers without TAP"
    return compared(name, full, accelerate(stage.build()), sample, OF_NOISE)


def guider(stage: Stage, model: ModelPatcher) -> CFGGuider:
    """Of a SamplerCustom node."""
    made = CFGGuider(model)
    made.set_conds(stage.prompt(), stage.negative())
    made.set_cfg(2.0)
    return made


TOLD = "forecast, or in full where it says why"
ROWS = [
    Row("Other nodes on the model", "every node of ComfyUI that changes a model, with its defaults, in front of TAP "
        "and behind it", Holds(TOLD, model_nodes), models=("FLUX", "UNet")),
    Row("Samplers and steps", "every node of ComfyUI that gives a sampler", Holds(TOLD, sampler_nodes),
        models=("demo model",)),
    Row("Samplers and steps", "every node of ComfyUI that gives sigmas", Holds(TOLD, sigma_nodes), models=("UNet",)),
]
