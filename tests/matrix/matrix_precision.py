"""Rows: number formats, offloading, and what the histories cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import comfy.model_management
import comfy.supported_models
import pytest
import torch
from comfy.model_patcher import ModelPatcher

import tiny_flux
from matrix_patches import lora
from matrix_row import Close, Holds, Plugged, Row, accelerate, relative_error
from matrix_stage import Stage

GROUP = "Precision and memory"


def in_dtype(dtype: torch.dtype, computed: torch.dtype | None = None) -> Callable[[Stage], Plugged]:
    """FLUX with weights in this format. computed: the format that ComfyUI computes in, if it is another one."""

    def plug(stage: Stage) -> Plugged:
        config = comfy.supported_models.Flux({**tiny_flux.SHAPE, "guidance_embed": True})
        config.set_inference_dtype(dtype, computed)
        model = config.get_model({}, "")
        tiny_flux.fill(model.diffusion_model.to(torch.float32), 0)
        model.diffusion_model.to(dtype)
        return Plugged(ModelPatcher(model, load_device=tiny_flux.CPU, offload_device=tiny_flux.CPU), stage.sample)

    return plug


@contextmanager
def offloaded() -> Iterator[None]:
    """ComfyUI finds room for no weights: each is fetched when it is needed."""
    load = ModelPatcher.load

    def little(self: ModelPatcher, device_to: object = None, lowvram_model_memory: float = 0, **kwargs: object) -> None:
        load(self, device_to, lowvram_model_memory=1, **{**kwargs, "full_load": False})
        assert self.model.model_lowvram

    ModelPatcher.load = little
    try:
        yield
    finally:
        ModelPatcher.load = load


def same_when_offloaded(stage: Stage) -> str:
    """Offloaded weights give the same pictures, with and without a LoRA."""
    for patch in (lambda model: model, lora):
        kept = stage.sample(accelerate(patch(stage.build()))[0])
        with offloaded():
            model, holder = accelerate(patch(stage.build()))
            away = stage.sample(model)
        assert holder.latest.skipped_steps and not holder.latest.fallbacks
        assert relative_error(away, kept) < 1e-4
        model.detach()
    return "the same picture"


def same_on_the_cpu(stage: Stage) -> str:
    """cache_device cpu gives the same picture."""
    pictures = [stage.sample(accelerate(stage.build(), cache_device=device)[0]) for device in ("gpu", "cpu")]
    assert torch.equal(*pictures)
    return "the same picture"


def counted(stage: Stage) -> str:
    """ComfyUI knows the size of the histories before it loads the model; of those on the CPU a few latents count.

    Three slopes and the sum of a gap tell how close the run is; the gap itself has two more.
    """
    asked: list[float] = []
    load = comfy.model_management.load_models_gpu

    def watched(models: list, memory_required: float = 0, **kwargs: object) -> object:
        asked.append(memory_required)
        return load(models, memory_required=memory_required, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comfy.model_management, "load_models_gpu", watched)
        stage.sample(stage.build())
        model, holder = accelerate(stage.build())
        stage.sample(model)
        latent = stage.sample(accelerate(stage.build(), cache_device="cpu")[0])
    assert asked[2] - asked[0] == 6 * latent.nbytes
    assert asked[1] - asked[0] == holder.latest.cache_bytes > 0
    return "counted to the byte"


def out_of_memory(stage: Stage) -> str:
    """Memory runs out in a block: everything is freed, and the next prompt is right."""
    model, holder = accelerate(stage.build())
    wanted = stage.sample(model)
    block = next(module for name, module in model.model.diffusion_model.named_children() if "blocks" in name)[-1]
    for call in (1, 3):
        calls: list[int] = []

        def fail(*_: object, calls: list[int] = calls, call: int = call) -> None:
            calls.append(1)
            if len(calls) == call:
                raise torch.OutOfMemoryError("Allocation on device")

        hook = block.register_forward_pre_hook(fail)
        with pytest.raises(torch.OutOfMemoryError):
            stage.sample(model)
        hook.remove()
        assert not holder.latest.complete
        assert "tap_sampling" not in model.model_options["transformer_options"]
        comfy.model_management.unload_all_models()
        assert torch.equal(stage.sample(model), wanted)
    return "freed; the next prompt is right"


FLUX = ("FLUX",)
ROWS = [
    Row(GROUP, "float32", Close(0.15), in_dtype(torch.float32), FLUX),
    Row(GROUP, "float16", Close(0.15), in_dtype(torch.float16), FLUX),
    Row(GROUP, "bfloat16", Close(0.15), in_dtype(torch.bfloat16), FLUX),
    Row(GROUP, "fp8 weights", Close(0.15), in_dtype(torch.float8_e4m3fn, torch.float32), FLUX),
    Row(GROUP, "weights offloaded, as lowvram and novram do", Holds("the same picture", same_when_offloaded),
        models=("FLUX", "Wan")),
    Row(GROUP, "cache_device cpu", Holds("the same picture", same_on_the_cpu), models=("FLUX", "Wan", "UNet")),
    Row(GROUP, "the histories in ComfyUI's memory estimate", Holds("counted to the byte", counted),
        models=("FLUX", "Wan", "UNet")),
    Row(GROUP, "out of memory during the run", Holds("freed; the next prompt is right", out_of_memory),
        models=("FLUX", "Wan")),
]
