"""How much memory a piece of work keeps and how much it needs at its peak."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Allocations:
    """kept: bytes still held when the work is over; peak: the most at a time; both beyond what was held before.

    waiting: what is held beyond this until Python's garbage collector finds it, tensors in a circle of references.
    """

    kept: int
    peak: int
    waiting: int


class StorageWatch(TorchDispatchMode):
    """Follows every storage that an operator makes until it is freed.

    PyTorch counts a graphics card's memory, not the processor's: its profiler forgets what is freed between two looks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._known: dict[int, weakref.ref] = {}

    def __torch_dispatch__(self, operator: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
                           ) -> object:
        """Run the operator, and note what it made."""
        # What it is given is not its own: a tensor that it changes in place, or returns a view of.
        given = {id(leaf.untyped_storage()) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        result = operator(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.device.type != "meta":
                self._note(leaf.untyped_storage(), given)
        self.peak = max(self.peak, self.held)
        return result

    def _note(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        name = id(storage)
        if name in self._known or name in given:
            return
        size = storage.nbytes()

        def freed(_: object) -> None:
            self._known.pop(name, None)
            self.held -= size

        self._known[name] = weakref.ref(storage, freed)
        self.held += size


def watch_allocations(work: Callable[[], object], device: torch.device) -> Allocations:
    """Run the work and watch memory on the device; its result is dropped at once.

    On the processor call it without inference mode, in which operators hide what they are made of.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        peak, held = torch.cuda.max_memory_allocated(device) - before, torch.cuda.memory_allocated(device) - before
        gc.collect()
        kept = torch.cuda.memory_allocated(device) - before
        return Allocations(kept, peak, held - kept)
    with StorageWatch() as watch:
        work()
        held = watch.held
        gc.collect()
    return Allocations(watch.held, watch.peak, held - watch.held)
