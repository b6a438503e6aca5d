"""The random generators that samplers and nodes draw from when they are given none of their own."""

import random
from collections.abc import Callable

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
    found = [(backend.set_rng_state_all, backend.get_rng_state_all())
             for backend in (torch.cuda, torch.xpu) if backend.is_initialized()]
    if torch.backends.mps.is_available():
        found.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    return found
