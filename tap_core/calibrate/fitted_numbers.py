"""What TeaCache and MagCache need to know of a model, measured on runs that compute every step.

h: probe.  r: target.  Changes are from one step to the next.
"""

import math
from dataclasses import dataclass, field

import torch

from ..errors import TapError


@dataclass
class Changes:
    """probe: mean|h_s - h_{s-1}| / mean|h_{s-1}|. target: the same of r. ratio: mean of |r_s| / |r_{s-1}|, by token."""

    probe: list[float] = field(default_factory=list)
    target: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)


def fit_polynomial(changes: Changes, degree: int = 4) -> tuple[float, ...]:
    """TeaCache's polynomial from the probe's to the target's change, least squares, highest power first."""
    if len(changes.probe) <= degree:
        raise TapError(f"{len(changes.probe)} changes are too few for degree {degree}; measure a longer run.")
    x = torch.tensor(_numbers(changes.probe), dtype=torch.float64)
    powers = torch.stack([x**power for power in range(degree, -1, -1)], dim=-1)
    target = torch.tensor(_numbers(changes.target), dtype=torch.float64)[:, None]
    return tuple(torch.linalg.lstsq(powers, target, driver="gelsd").solution.flatten().tolist())


def magnitude_ratios(changes: Changes, steps: int) -> tuple[float, ...]:
    """MagCache's ratios for runs of `steps` steps: the mean over the measured runs, 1 for the first step."""
    if steps < 2 or not changes.ratio or len(changes.ratio) % (steps - 1):
        raise TapError(f"{len(changes.ratio)} ratios are not those of whole runs of {steps} steps.")
    runs = torch.tensor(_numbers(changes.ratio), dtype=torch.float64).view(-1, steps - 1)
    return (1.0, *runs.mean(dim=0).tolist())


def _numbers(values: list[float]) -> list[float]:
    """The values. Raises TapError if any is not a finite number."""
    if not all(map(math.isfinite, values)):
        raise TapError("The measured run holds values that are not numbers. Look at its picture, and measure again.")
    return values
