"""Counts what a piece of work computes: matrix products as PyTorch counts them, and arithmetic element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

# Multiply and add.
TWICE = ("addcmul", "vecdot", "lerp")
# Tagged as arithmetic, and none.
MOVES = ("clone", "_to_copy", "copy_", "fill_", "where")


# Products of two activations, attention's; the others are of activations and weights.
ATTENTION = ("bmm", "baddbmm", "scaled_dot_product")


@dataclass(frozen=True)
class Operations:
    """total: floating point operations of matrix products; attention: those of them that attention makes.

    elements: all other arithmetic, without softmax, which PyTorch does not show.
    """

    total: float
    attention: float
    elements: float


class ElementCounter(TorchDispatchMode):
    """One operation for each element that a pointwise or reducing operator makes or reads."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, operator: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
                           ) -> object:
        """Run the operator, and count it."""
        result = operator(*args, **(kwargs or {}))
        name = operator.__name__.partition(".")[0]
        size = max((part.numel() for part in (*args, result) if isinstance(part, Tensor)), default=0)
        if name not in MOVES and (
            torch.Tag.pointwise in operator.tags or torch.Tag.reduction in operator.tags or name.endswith("vecdot")
        ):
            self.elements += size * (2 if name.rstrip("_").endswith(TWICE) else 1)
        return result


def count_operations(work: Callable[[], object]) -> Operations:
    """What `work` computes; on the meta device nothing is computed, and the count is the same."""
    with ElementCounter() as others, FlopCounterMode(display=False) as matrices:
        work()
    by_name = matrices.get_flop_counts()["Global"]
    attention = sum(count for name, count in by_name.items() if any(part in str(name) for part in ATTENTION))
    return Operations(matrices.get_total_flops(), attention, others.elements)
