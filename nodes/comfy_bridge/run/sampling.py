"""What TAP's wrappers share during one sampling run."""

import threading

import torch
from torch import Tensor, nn

from ....tap_core.sampling.run import TapRun
from ..adapters.find_adapter import find_adapter, why_in_full
from ..live.live_run import LiveRun
from ..seam.adapter import Adapter
from ..seam.cut import Shape
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from .condition import ConditionKeys

# In ComfyUI's transformer options, where the wrappers find the sampling run that they belong to.
RUN_KEY = "tap_sampling"


class Sampling:
    """One run, and how it reaches its models. A class, because ComfyUI copies dicts in its options.

    adapter: of the guider's model. checked: ids of models whose probe was found to be what their attention gets. parts:
    of the latent, one a condition of the first evaluation. wrapped: whether another node's wrapper makes the calls of
    this evaluation, maybe of other parts of the picture.
    """

    def __init__(self, run: TapRun, adapter: Adapter | InOutAdapter, model: nn.Module) -> None:
        self.run, self.adapter, self.model = run, adapter, model
        self._others: dict[int, Adapter | InOutAdapter] = {}
        self.checked: set[int] = set()
        self.keys = ConditionKeys()
        self.live: LiveRun | None = None
        self.parts: list[Shape] = []
        self.wrapped = False
        self.lead: torch.device | None = None
        self.decided = threading.Event()

    def reach(self, base: nn.Module) -> Adapter | InOutAdapter:
        """The adapter of the model that a call runs: a guider may have a second one, and each device has its own."""
        model = plain_module(base.diffusion_model)
        if model is self.model:
            return self.adapter
        if id(model) not in self._others:
            adapter = self._others[id(model)] = find_adapter(model)
            reason = why_in_full(adapter, model, type(base).__name__)
            if reason:
                self.run.notes.fall_back(reason)
        return self._others[id(model)]

    def begin(self, sigma: float, x: Tensor, lead: torch.device | None = None) -> None:
        """A model evaluation of x [B, C, ...] starts. lead: of several devices the one whose call decides for all."""
        self.keys.clear()
        self.decided.clear()
        self.lead = lead
        self.run.begin(sigma, x.device, x)


def sampling_of(options: dict) -> Sampling | None:
    """The sampling run that transformer options belong to; None where TAP is not at work."""
    return options.get(RUN_KEY)
