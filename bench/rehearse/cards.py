"""Seconds of a step on a card, estimated from what it is asked to do; a full step is never that fast.

An operator takes as long as its arithmetic, its memory traffic, or Python to launch it, whichever is longest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Seconds of Python and PyTorch for one operator; bench/overhead measures about ten times a microsecond.
LAUNCH = 8e-6


@dataclass(frozen=True)
class Card:
    """As its maker states it. flops: dense bf16 a second, accumulated in float32; bandwidth: bytes a second."""

    name: str
    flops: float
    bandwidth: float

    def seconds(self, work: Iterable[tuple[float, float]]) -> float:
        """Of operators, each given as its FLOPs and bytes."""
        return sum(max(LAUNCH, flops / self.flops, nbytes / self.bandwidth) for flops, nbytes in work)


CARDS = (Card("H100 SXM", 989e12, 3.35e12), Card("RTX 4090", 165e12, 1.008e12), Card("H20", 148e12, 4.0e12))
