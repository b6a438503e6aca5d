"""The random generators that samplers and nodes draw from when they are given none of their own."""

import random
from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch

OTHER = 20_261_129


def put_back() -> Callable[[], None]:
    """Note the state of every generator in use; the function that is returned puts all of them back."""
    states = [(random.setstate, random.getstate()), (np.random.set_state, np.random.get_state()),
              (torch.set_rng_state, torch.get_rng_state()), *_of_devices()]

    def put() -> None:
        for setter, state in states:
            setter(state)

    return put


def draw_others(extra_args: dict) -> None:
    """Let every generator draw other numbers, until the states are put back; extra_args: what a sampler is given."""
    if extra_args.get("seed") is not None:
        extra_args["seed"] = extra_args["seed"] ^ OTHER
    random.seed(OTHER)
    np.random.seed(OTHER)
    torch.manual_seed(OTHER)


def _of_devices() -> list[tuple[Callable, object]]:
    """What puts each device's generators back, and their states now: of every backend that torch has, npu and mlu too.

    A backend that is not in use yet has none: asking it would start it.
    """
    modules = [module for module in vars(torch).values() if type(module) is ModuleType and _in_use(module)]
    names = [(module, "_all" if hasattr(module, "get_rng_state_all") else "") for module in modules]
    return [(getattr(module, f"set_rng_state{which}"), getattr(module, f"get_rng_state{which}")())
            for module, which in names]


def _in_use(module: ModuleType) -> bool:
    """Whether this is a backend with generators that are in use; mps tells only whether it is there."""
    asked = getattr(module, "is_initialized", None) or getattr(module, "is_available", None)
    return asked is not None and hasattr(module, "get_rng_state") and asked()
