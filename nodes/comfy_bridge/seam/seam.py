"""What a seam is: how TAP takes hold of one model call. The seams of the other files have this in common."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from .targets import Captured

Forward = Callable[[dict], Tensor]
Predict = Callable[[Tensor], Tensor | None]
Decide = Callable[[Captured], Tensor | None]
SeeEntry = Callable[[Captured], None]


class Seam(Protocol):
    """One model call: computed and captured, or forecast."""

    captured: Captured

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and capture its probe and target."""
        ...

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """What the forward would give if its target were `predict(probe)` [B, N, C]."""
        ...

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """As `forecast` with the target that `decide` gives at block 0; as `compute`, bit for bit, if it gives None.

        verify: a forecast of the last block's input [B, M, D], for which a skipped call runs that block.
        """
        ...
