"""One sampling of a model by ComfyUI with random prompts, stock or with TAP, by a clock of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import comfy.model_patcher
import comfy.sample
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor, nn

from models.full_size import FullSize

# Where models of ComfyUI have their blocks.
BLOCK_LISTS = ("double_blocks", "single_blocks", "joint_blocks", "transformer_blocks", "blocks", "layers")
# Called at the end of each step with its number, the answer, the latent before it and the number of steps.
AtStep = Callable[[int, Tensor, Tensor, int], object]


@dataclass(frozen=True)
class Course:
    """How a run is sampled. steps: of the schedule; first: only so many of them are taken, None for all."""

    steps: int
    cfg: float = 1.0
    first: int | None = None


def timed_run(size: FullSize, model: comfy.model_patcher.ModelPatcher, settings: TapSettings | None, course: Course,
              clock: Callable[[], float], at_step: AtStep | None = None) -> tuple[float, TapRecord | None]:
    """Seconds of a run of euler, and TAP's record. settings: None for stock."""
    holder, patched = RecordHolder(), model.clone()
    if settings is not None:
        TapPatch(settings, holder).install(patched)
    generator = torch.Generator().manual_seed(1)
    prompts = [[random_prompt(size, place, generator)] for place in (0, -1)]
    noise = torch.randn(size.latents().shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        start = clock()
        comfy.sample.sample(patched, noise, course.steps, course.cfg, "euler", "simple", *prompts, size.latents(),
                            last_step=course.first, callback=at_step, disable_pbar=True, seed=0)
        return clock() - start, holder.latest


def random_prompt(size: FullSize, place: int, generator: torch.Generator) -> list:
    """The conditioning of one of the prompts, with random numbers."""
    text, more = size.prompt(place)
    return [_noise(text, generator), {name: _noise(value, generator) if isinstance(value, Tensor) else value
                                      for name, value in more.items()}]


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator)


@contextmanager
def counted_blocks(model: nn.Module) -> Iterator[list[int]]:
    """Inside, the list grows by a 1 whenever a block runs: its first linear layer past those that modulate.

    TAP's probe is modulated at skipped steps, too.
    """
    calls: list[int] = []
    blocks = [block for name in BLOCK_LISTS for block in getattr(model, name, ())]
    layers = [next(part for name, part in block.named_modules() if isinstance(part, nn.Linear) and "mod" not in name
                   and "adaLN" not in name) for block in blocks]
    hooks = [layer.register_forward_hook(lambda *_: calls.append(1)) for layer in layers]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
