"""A run in ComfyUI on a card that is not there: its samplers, its way through the conditions, its model classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from unittest.mock import patch

import comfy.model_management
import comfy.model_patcher
import comfy.sampler_helpers
import comfy.samplers
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from models.full_size import FullSize
from rehearse.pinned import is_pinned
from rehearse.watch import Step, Watch

CARD = torch.device("cuda", 0)
FREE = 80 * 10**9


class NoEvent:
    """In place of a CUDA event."""

    def __init__(self, **_: object) -> None:
        pass

    def record(self) -> None:
        """Nothing to mark."""

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def elapsed_time(self, _: NoEvent) -> float:
        """No time passes."""
        return 0.0


class NoConstants(FakeTensorMode):
    """It would compute with small numbers that Python made, on a card that is not there; `Watch` carries them along."""

    def may_turn_const(self, _: Tensor) -> bool:
        """Never."""
        return False


@dataclass
class Rehearsal:
    """steps: what each evaluation asked of the device, full ones and skipped ones as the record says."""

    steps: list[Step]
    record: TapRecord | None

    def of(self, full: bool) -> list[Step]:
        """The full or the skipped evaluations."""
        return [step for step, each in zip(self.steps, self.record.evaluations, strict=True) if each.full == full]


@contextmanager
def card() -> Iterator[Watch]:
    """Inside, tensors on the card exist without values, and every operator is watched."""
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(patch.object(torch.cuda, "Event", NoEvent))
        enter(patch.object(torch.cuda, "current_device", lambda: 0))
        generator = torch.Generator
        enter(patch.object(torch, "Generator", lambda device=None: generator()))
        enter(patch.object(comfy.model_management, "get_free_memory", lambda *_, **__: FREE))
        enter(patch.object(comfy.model_management, "cuda_device_context", lambda _: nullcontext()))
        enter(patch.object(comfy.model_management, "load_models_gpu", lambda *_, **__: None))
        enter(patch.object(FakeTensor, "tolist", _tolist))
        # Weights that are watched cannot be swapped for others, and they are on the card.
        enter(patch.object(torch.nn.Embedding, "to", lambda layer, *_, **__: layer))
        enter(patch.object(FakeTensor, "is_pinned", is_pinned))
        enter(NoConstants(allow_non_fake_inputs=True))
        yield enter(Watch())


def _tolist(tensor: Tensor) -> object:
    """One copy to the processor, as of a real tensor, which is read there."""
    there = tensor.cpu()
    return there.item() if not there.ndim else [_tolist(row) for row in there]


def build(size: FullSize, dtype: torch.dtype = torch.bfloat16, weights: torch.dtype | None = None, **other: object
          ) -> comfy.model_patcher.ModelPatcher:
    """The model on the card; weights: their type if not that of the arithmetic."""
    base = size.build(CARD, dtype, weights, **other)
    for layer in base.modules():  # ComfyUI makes some on the processor, and moves them at the first call
        if isinstance(layer, torch.nn.Embedding):
            layer.weight = torch.nn.Parameter(torch.empty_like(layer.weight, device=CARD), requires_grad=False)
    return comfy.model_patcher.ModelPatcher(base, load_device=CARD, offload_device=CARD)


def rehearse(watch: Watch, size: FullSize, model: comfy.model_patcher.ModelPatcher, settings: TapSettings | None,
             steps: int, cfg: float = 1.0, sampler: str = "euler") -> Rehearsal:
    """One run of so many steps, evaluation by evaluation. settings: None for a run without TAP."""
    holder, patched, found = RecordHolder(), model.clone(), []
    if settings is not None:
        TapPatch(settings, holder).install(patched)
    sigmas = torch.linspace(1, 0, steps + 1)
    latent = size.latents()
    with torch.inference_mode(), _each_into(watch, found, steps):
        comfy.samplers.sample(patched, latent, [size.prompt(0)], [size.prompt(-1)], cfg, CARD,
                              comfy.samplers.sampler_object(sampler), sigmas, patched.model_options, latent,
                              disable_pbar=True, seed=0)
    return Rehearsal(found, holder.latest)


def _each_into(watch: Watch, found: list[Step], steps: int) -> AbstractContextManager[object]:
    """Watch each evaluation and what follows it; what follows the last one ends the run, and belongs to no step.

    Not by a wrapper, as another node's would be: TAP is on its guard against those.
    """
    guider = comfy.samplers.CFGGuider
    evaluate = guider.outer_predict_noise

    def outer_predict_noise(self: comfy.samplers.CFGGuider, *args: object, **kwargs: object) -> Tensor:
        watch.step = Step()
        found.append(watch.step)
        answer = evaluate(self, *args, **kwargs)
        watch.step = watch.step if len(found) < steps else Step()
        return answer

    return patch.object(guider, "outer_predict_noise", outer_predict_noise)
