"""A sampling run of a full-size model, evaluation by evaluation, with TAP's own wrappers around each model call.

It needs no values, so it runs on the meta device too, where every tensor is a shape: ComfyUI's samplers would wait for
values there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.run.model_call import apply_model
from tap_pack.nodes.comfy_bridge.run.run_state import RUN_KEY, RunState
from tap_pack.tap_core.sampling.readback import Readback
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings

from models.full_size import FullSize


class Unread(Readback):
    """Of a run on the meta device, whose tensors have nothing to read."""

    def ask(self, *_: object) -> None:
        """Nobody is told."""


@dataclass
class WholeRun:
    """A run of the model on its device; sigmas fall evenly from 1, which decides nothing here."""

    size: FullSize
    model: torch.nn.Module
    device: torch.device
    settings: TapSettings
    dtype: torch.dtype = torch.bfloat16

    def __post_init__(self) -> None:
        steps = self.size.steps
        self.sigmas = [1 - step / steps for step in range(steps + 1)]
        self.run = TapRun(self.settings, self.sigmas, self.size.name)
        inner = self.model.diffusion_model
        self._state = RunState(self.run, find_adapter(inner), inner)
        self._state.checked.add(id(inner))  # the self-check looks at values
        if self.device.type == "meta":
            self.run.readback = Unread()

    def evaluations(self) -> Iterator[bool]:
        """Each evaluation, once it is over: whether it was computed in full."""
        x = self.size.noise(self.device, self.dtype)
        for step, sigma in enumerate(self.sigmas[:-1]):
            self._state.begin(sigma, x)
            denoised = sum(self._call(x, sigma, place, words) for place, words in enumerate(self.size.words))
            self.run.finish(x, denoised)
            x = denoised + (x - denoised) * (self.sigmas[step + 1] / sigma)
            if self.device.type == "meta":
                self._presume_sound()
            yield self.run.record.evaluations[-1].full

    def _presume_sound(self) -> None:
        """Shapes have no values that could be no numbers, and nothing can be read from them."""
        for history in self.run.memory.histories.values():
            history.snapshots = [replace(snapshot, finite=None) for snapshot in history.snapshots]

    def _call(self, x: torch.Tensor, sigma: float, place: int, words: int) -> torch.Tensor:
        options = {
            RUN_KEY: self._state, "uuids": [f"condition {place}"], "cond_or_uncond": [place],
            "wrappers": {"apply_model": {"tap": [apply_model]}},
        }
        sigmas = torch.full((1,), sigma, device=self.device)
        conditions = self.size.conditions(words, self.device, self.dtype)
        return self.model.apply_model(x, sigmas, transformer_options=options, **conditions)
