"""Rows: guiders that call the model past TAP's wrappers, and nodes that call it with options copied before the run."""

from __future__ import annotations

from collections.abc import Callable

import comfy.model_patcher
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from tap_pack.tap_core.record.summary import NOT_REACHED, summary_line
from torch import Tensor

from matrix_conditions import guided, patched
from matrix_row import Close, Holds, Row, accelerate
from matrix_stage import Stage

GROUP = "Prompts and guidance"


class PastTheWrappers(comfy.samplers.CFGGuider):
    """A guider whose evaluations never come to the PREDICT_NOISE wrappers."""

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        return self.predict_noise(*args, **kwargs)


def past_the_wrappers(stage: Stage, model: ModelPatcher) -> comfy.samplers.CFGGuider:
    """Such a guider."""
    made = PastTheWrappers(model)
    made.set_conds(stage.prompt(), stage.negative())
    made.set_cfg(2.0)
    return made


def calling_with(options: dict) -> Callable[[dict], list[Tensor]]:
    """A node's function for the conditions, which goes on with options of its own."""
    own = comfy.model_patcher.create_model_options_clone(options)
    return lambda args: comfy.samplers.calc_cond_batch(args["model"], args["conds"], args["input"], args["sigma"], own)


def with_options_of_now(model: ModelPatcher) -> ModelPatcher:
    """A node that copies the options which it finds on the model."""
    model = model.clone()
    model.set_model_sampler_calc_cond_batch_function(calling_with(model.model_options))
    return model


def with_options_of_the_start(model: ModelPatcher) -> ModelPatcher:
    """A node that copies the options when sampling starts, before TAP puts its run in there."""
    model = model.clone()

    def copying(executor: WrapperExecutor, *args: object, **kwargs: object) -> Tensor:
        options = executor.class_obj.model_options
        options["sampler_calc_cond_batch_function"] = calling_with(options)
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "copies options", copying)
    return model


def no_effect(stage: Stage) -> str:
    """ComfyUI puts wrappers into the options when sampling starts, so no call comes to TAP: the report says so."""
    full = stage.sample(with_options_of_now(stage.build()))
    before, holder = accelerate(with_options_of_now(stage.build()))
    model, other = accelerate(stage.build())
    for made, record in ((before, holder), (with_options_of_now(model), other)):
        assert torch.equal(stage.sample(made), full)
        assert NOT_REACHED in summary_line(record.latest) and not record.latest.skipped_steps
    return f"“{NOT_REACHED}”"


ROWS = [
    Row(GROUP, "a guider that calls the model past the wrappers", Close(0.15),
        guided(past_the_wrappers), ("FLUX", "Wan", "UNet")),
    Row(GROUP, "a node that goes on with options copied when sampling starts", Close(0.15),
        patched(with_options_of_the_start), ("FLUX", "UNet")),
    Row(GROUP, "a node that goes on with options copied before sampling", Holds("no effect, and says so", no_effect),
        models=("FLUX",)),
]
