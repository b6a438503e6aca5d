"""How much may be computed: a number of model calls, or a share of the steps."""

import math
import re
from dataclasses import dataclass

from ..errors import TapError


@dataclass(frozen=True)
class Budget:
    """calls: steps to compute, 0 if `times` says it. times: all steps divided by the steps to compute."""

    calls: int = 0
    times: float = 0.0

    def calls_of(self, steps: int) -> int:
        """How many of a run's `steps` are computed."""
        return min(max(self.calls or round(steps / self.times), 1), steps)

    def __str__(self) -> str:
        """As a user writes it."""
        return str(self.calls) if self.calls else f"{self.times:g}x"


def parsed_budget(text: str) -> Budget:
    """The budget in a text such as "10", for calls, or "5x", for five times fewer. Raises TapError for others."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?(x?)", text.strip().lower(), re.ASCII)
    if match is None or (not match[2] and "." in match[1]):
        raise TapError(f"budget is {text[:40]!r}; write a number of model calls, such as 10, or how many times fewer "
                       "than all, such as 5x.")
    value = float(match[1])
    if not math.isfinite(value) or value < 1:
        raise TapError(f"budget is {text.strip()!r}; it has to be 1 or more.")
    return Budget(times=value) if match[2] else Budget(calls=int(value))
