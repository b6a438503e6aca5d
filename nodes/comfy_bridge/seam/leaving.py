"""A skipped call whose result nobody reads is left at block 0: the forecast takes the place of all that it would give.

ComfyUI itself leaves a call like this when a run is interrupted, so nothing of its own has to be put back.
"""

import sys
from collections.abc import Mapping

from comfy.patcher_extension import WrappersMP
from torch import nn

from .unread import WITH_BLOCKS


class Left(BaseException):
    """Leaves the model, past all `except Exception` on the way."""


class WayOut:
    """Of one call of a model, before it begins."""

    def __init__(self, model: nn.Module, options: Mapping[str, object]) -> None:
        self._ends_unseen = (not options.get("wrappers", {}).get(WrappersMP.DIFFUSION_MODEL)
                             and WITH_BLOCKS.issuperset(options.get("patches", {}))
                             and not model._forward_hooks and not _replaced(model))
        self._queues = _prefetching()

    @property
    def open(self) -> bool:
        """Whether nobody but TAP waits for the end: no node does, and no weights are on their way to the next block."""
        return self._ends_unseen and _prefetching() == self._queues


def _replaced(model: nn.Module) -> bool:
    """Whether a node has put a method of its own, which may count calls, in place of one of the model's."""
    return any(callable(value) and hasattr(type(model), name) for name, value in vars(model).items())


def _prefetching() -> int:
    """How many queues of blocks ComfyUI has whose weights it moves ahead of their turn; older ones have none."""
    return len(getattr(sys.modules.get("comfy.model_prefetch"), "PREFETCH_QUEUES", ()))
