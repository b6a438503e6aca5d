"""A backend of torch for a device that this machine does not have, with random generators of its own."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor


def backend(generators: list[torch.Generator], every: bool = True, in_use: bool = True,
            told_by: str = "is_initialized") -> ModuleType:
    """One generator a device. every: whether all states are had at once. told_by: what tells whether it is in use."""
    module = ModuleType("torch.other")

    def get_all() -> list[Tensor]:
        assert in_use, "asking would start it"
        return [each.get_state() for each in generators]

    def set_all(states: list[Tensor]) -> None:
        for each, state in zip(generators, states, strict=True):
            each.set_state(state)

    setattr(module, told_by, lambda: in_use)
    module.get_rng_state = lambda: generators[0].get_state()
    module.set_rng_state = lambda state: generators[0].set_state(state)
    if every:
        module.get_rng_state_all, module.set_rng_state_all = get_all, set_all
    return module
