"""The scale of a difference map: from how far a pixel's colours are apart to a shade."""

import math
from dataclasses import dataclass

from torch import Tensor

from ..errors import TapError

# Levels of a colour on a screen. A difference below one of them cannot be shown.
LEVELS = 255
DOUBLINGS = 7
Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class DifferenceScale:
    """One scale for all maps, so that the closer picture is the darker map, or differences times `factor`.

    Each doubling of a difference is the same step on the common scale, from 1 to 128 of 255: it shows faint and strong
    differences alike, and needs no factor that suits one map and not the next. factor: 0 for the common scale.
    """

    factor: int = 0

    def __post_init__(self) -> None:
        if self.factor < 0:
            raise TapError(f"amplify is {self.factor}; set 0 or higher.")

    def shares(self, difference: Tensor) -> Tensor:
        """The place on the ramp, 0 to 1. difference: [H, W], 0 to 1."""
        if self.factor:
            return (difference * self.factor).clamp(0, 1)
        return (difference * LEVELS).log2().clamp(0, DOUBLINGS) / DOUBLINGS

    @property
    def ticks(self) -> Ticks:
        """Places along the ramp with the difference there, of 255."""
        if self.factor:
            return ((0.0, "0"), (0.5, f"{LEVELS / self.factor / 2:.3g}"), (1.0, f"{LEVELS / self.factor:.3g}+"))
        marks = (4, 16, 64)
        inner = tuple((math.log2(mark) / DOUBLINGS, str(mark)) for mark in marks)
        return ((0.0, "0 to 1"), *inner, (1.0, f"{2**DOUBLINGS}+"))

    @property
    def words(self) -> str:
        """What the colours mean."""
        if self.factor:
            return f"Difference x {self.factor}, of {LEVELS}. Compare it only with maps of the same amplify."
        return f"Difference, of {LEVELS}. All maps have this scale: the closer picture is darker."
