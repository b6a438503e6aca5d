"""What samplings give, and how often blocks ran in them, counted at the blocks themselves and not by TAP."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

# The block, and the layer in it, by their places among the model's modules.
Place = tuple[str, str]


@dataclass
class Ran:
    """One prompt. latents: what each sampling gave. layers: calls of each layer in a block. said: TAP's log."""

    latents: list[Tensor] = field(default_factory=list)
    layers: Counter[Place] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def block_runs(self, full: Ran) -> int:
        """How often blocks ran. full: the same prompt with every step computed.

        A block is counted at the last of its layers that ran there: TAP calls the first ones of block 0 for its probe.
        """
        last = {block: layer for (block, layer), calls in full.layers.items() if calls}
        return sum(self.layers[place] for place in last.items())


@contextmanager
def watched() -> Iterator[Ran]:
    """Watches all samplings inside the context."""
    ran, sample = Ran(), comfy.samplers.CFGGuider.sample

    def watching(guider: comfy.samplers.CFGGuider, *args: object, **options: object) -> Tensor:
        with ExitStack() as stack:
            for model in models_of(guider):
                stack.enter_context(counting(model, ran.layers))
            output = sample(guider, *args, **options)
        ran.latents.append(output.detach().float().cpu())
        return output

    listener, log = Listener(ran.said), logging.getLogger("tap")
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    comfy.samplers.CFGGuider.sample = watching
    try:
        yield ran
    finally:
        comfy.samplers.CFGGuider.sample = sample
        log.removeHandler(listener)
        log.setLevel(level)


class Listener(logging.Handler):
    """Notes what TAP says, each sentence once."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.INFO)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """A line of the log."""
        line = record.getMessage().removeprefix("TAP: ")
        if line not in self._said:
            self._said.append(line)


def models_of(guider: object) -> list[nn.Module]:
    """The diffusion models of a guider; some have a second one."""
    patchers = [value for value in vars(guider).values() if isinstance(value, ModelPatcher)]
    return list({id(each.model): each.model.diffusion_model for each in patchers}.values())


@contextmanager
def counting(model: nn.Module, calls: Counter[Place]) -> Iterator[None]:
    """Counts the calls of each layer with weights in the model's lists of blocks."""
    with ExitStack() as stack:
        for name, blocks in model.named_children():
            for number, block in enumerate(blocks if isinstance(blocks, nn.ModuleList) else ()):
                for layer, part in block.named_modules():
                    if any(True for _ in part.parameters(recurse=False)):
                        stack.callback(_count(part, calls, (f"{name}.{number}", layer)).remove)
        yield


def _count(part: nn.Module, calls: Counter[Place], place: Place) -> torch.utils.hooks.RemovableHandle:
    calls[place] += 0  # in the order of the model
    return part.register_forward_hook(lambda *_: calls.update([place]))


def relative_error(latents: list[Tensor], full: list[Tensor]) -> float:
    """The largest relative error of any sampling's latent."""
    return max(float((one - other).norm() / other.norm()) for one, other in zip(latents, full, strict=True))
