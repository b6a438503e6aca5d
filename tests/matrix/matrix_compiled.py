"""Rows: torch.compile with its own code generator, which needs a C++ compiler on the machine."""

from __future__ import annotations

import pytest
import torch
import torch._inductor.config as inductor
from comfy.model_patcher import ModelPatcher
from comfy_api.torch_helpers import set_torch_compile_wrapper

import tiny_flux
from matrix_faults import marks
from matrix_row import Holds, Row, accelerate, relative_error
from matrix_stage import Stage

GROUP = "Other nodes on the model"
WHOLE = ("diffusion_model",)
BLOCKS = ("diffusion_model.double_blocks.0", "diffusion_model.single_blocks.0")
# Generated code adds numbers in another order.
ROUNDING = 1e-4
# A pool of compiling processes takes longer to start than it saves here. C++ without vectors is compiled faster: TAP is
# tried here, not the generated code.
QUICK = {"compile_threads": 1, "cpp.simdlen": 0, "cpp.vec_isa_ok": True}


def small_flux() -> ModelPatcher:
    """One block of each kind: every kernel is compiled separately, which takes seconds."""
    return tiny_flux.tiny_flux(depth=1, depth_single_blocks=1)


def compiled(model: ModelPatcher, parts: tuple[str, ...]) -> ModelPatcher:
    """The model as ComfyUI's TorchCompileModel node compiles it."""
    model = model.clone()
    set_torch_compile_wrapper(model, "inductor", keys=list(parts))
    return model


def generated(parts: tuple[str, ...], stage: Stage) -> str:
    """The picture is that of the uncompiled model, to rounding: without TAP, with TAP after it and before it."""
    with inductor.patch(QUICK):
        try:
            full, found = stage.sample(compiled(small_flux(), parts)), []
        except RuntimeError as error:
            return f"not tried: without TAP, torch.compile stops here with {type(error).__name__}"
        for inputs in ({}, {"target": "residual"}):
            plain, plain_holder = accelerate(small_flux(), **inputs)
            wanted = stage.sample(plain)
            for model, holder in in_both_orders(parts, **inputs):
                picture = stage.sample(model)
                assert relative_error(picture, wanted) < ROUNDING
                assert holder.latest.full_steps == plain_holder.latest.full_steps and holder.latest.skipped_steps
                assert all("run uncompiled" in reason for reason in holder.latest.fallbacks)
                found.append(relative_error(picture, full))
    torch._dynamo.reset()
    assert 0 < max(found) < 0.15
    return f"{max(found):.3f}"


def without_compiler(stage: Stage) -> str:
    """Without a C++ compiler, the error is the same as without TAP, and nothing is left behind."""
    errors, model = [], small_flux()
    wanted, before = stage.sample(model), marks(model)
    with inductor.patch({**QUICK, "cpp.cxx": (None, "no-such-compiler"), "fx_graph_cache": False}):
        for each in (model, accelerate(model)[0]):
            torch._dynamo.reset()
            with pytest.raises(RuntimeError) as error:
                stage.sample(compiled(each, WHOLE))
            errors.append(error.type)
    torch._dynamo.reset()
    assert errors[0] is errors[1] and marks(model) == before
    assert torch.equal(stage.sample(model), wanted)
    return f"{errors[0].__name__}, as without TAP"


def in_both_orders(parts: tuple[str, ...], **inputs: object) -> list[tuple[ModelPatcher, object]]:
    """torch.compile before TAP, and after TAP."""
    model, holder = accelerate(small_flux(), **inputs)
    return [accelerate(compiled(small_flux(), parts), **inputs), (compiled(model, parts), holder)]


def whole_model(stage: Stage) -> str:
    """One graph for the whole model."""
    return generated(WHOLE, stage)


def by_block(stage: Stage) -> str:
    """One graph for each block."""
    return generated(BLOCKS, stage)


ROWS = [
    Row(GROUP, "torch.compile with inductor", Holds("forecast", whole_model), models=("FLUX",)),
    Row(GROUP, "torch.compile with inductor, by block", Holds("forecast", by_block), models=("FLUX",)),
    Row(GROUP, "torch.compile with inductor, without a compiler", Holds("the same error as without TAP",
                                                                       without_compiler), models=("FLUX",)),
]
