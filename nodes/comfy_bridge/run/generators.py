"""The random generators that samplers, nodes and models draw from when they are given none of their own."""

import functools
import operator
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch

# Any number but the one that a sampler is given.
OTHER = 20_261_129
# How to set a generator, its state, and how to tell two of its states apart.
State = tuple[Callable[[object], None], object, Callable[[object, object], bool]]


def put_back() -> Callable[[], None]:
    """Note the state of every generator in use; the function that is returned puts all of them back."""
    states = _states()
    return lambda: _set(states)


def draw_others(extra_args: dict) -> None:
    """Let every generator draw other numbers, until the states are put back; extra_args: what a sampler is given."""
    if extra_args.get("seed") is not None:
        extra_args["seed"] = extra_args["seed"] ^ OTHER
    random.seed(OTHER)
    np.random.seed(OTHER)
    torch.manual_seed(OTHER)


class DrawnInside:
    """What guider and model draw in an evaluation, as some nodes do: one that is answered from memory draws nothing.

    Only torch's generators are looked at: others take long to read, and this is done at every step.
    """

    def __init__(self) -> None:
        self._after: dict[int, list[State]] = {}

    @contextmanager
    def noted(self, index: int) -> Iterator[None]:
        """An evaluation is made; note where it leaves the generators if it draws."""
        before = _of_torch()
        yield
        after = _of_torch()
        if len(before) != len(after) or not all(map(_same, before, after)):
            self._after[index] = after

    def skip(self, index: int) -> None:
        """The evaluation is answered from memory: set the generators to where it left them."""
        _set(self._after.get(index, []))


def _same(one: State, other: State) -> bool:
    return one[2](one[1], other[1])


def _set(states: list[State]) -> None:
    for setter, state, _ in states:
        setter(state)


def _states() -> list[State]:
    return [(random.setstate, random.getstate(), operator.eq), (np.random.set_state, np.random.get_state(), _alike),
            *_of_torch()]


def _of_torch() -> list[State]:
    return [(torch.set_rng_state, torch.get_rng_state(), torch.equal), *_of_devices()]


def _alike(one: tuple, other: tuple) -> bool:
    """Of NumPy's states: a name, the numbers, and where in them it is."""
    return one[2:] == other[2:] and np.array_equal(one[1], other[1])


def _of_devices() -> list[State]:
    """Of each device's generators: of every backend that torch has, npu and mlu too.

    A backend that is not in use yet has none: asking it would start it.
    """
    found = (getattr(torch, name, None) for name in _backends(len(vars(torch))))
    modules = [module for module in found if module is not None and _in_use(module)]
    names = [(module, "_all" if hasattr(module, "get_rng_state_all") else "") for module in modules]
    return [(getattr(module, f"set_rng_state{which}"), getattr(module, f"get_rng_state{which}")(), _all_equal)
            for module, which in names]


@functools.lru_cache(maxsize=1)
def _backends(names: int) -> list[str]:
    """Modules of torch that may have generators of a device. names: how many it has, more once a backend is loaded."""
    modules = [(name, module) for name, module in list(vars(torch).items()) if type(module) is ModuleType]
    return [name for name, module in modules if hasattr(module, "get_rng_state") and _asked(module)]


def _all_equal(one: torch.Tensor | list, other: torch.Tensor | list) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return len(one) == len(other) and all(map(torch.equal, one, other))


def _in_use(module: ModuleType) -> bool:
    """Whether this is a backend with generators that are in use; mps tells only whether it is there."""
    return _asked(module)()


def _asked(module: ModuleType) -> Callable[[], bool] | None:
    return getattr(module, "is_initialized", None) or getattr(module, "is_available", None)
