"""The place of a model evaluation in a run: as a step position and on the chosen time axis."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from .errors import TapError
from .noise_level import mixes

TIME_AXES = ("step", "sigma")
# Taken for the guidance of a guider that does not tell it.
UNKNOWN_GUIDANCE = 4.0

# ComfyUI's samplers change some sigmas, most of all a flow model's first one if they take its log-SNR: by 1e-4 / shift.
SIGMA_TOLERANCE = 3e-4
# The nearest of several steps within that tolerance is meant; steps that are equally near up to this share a sigma.
ROUNDING = 1e-6

# Share of the axis below which two coordinates are too close to divide by their distance.
CLOSEST_COORDINATES = 1e-6


@dataclass(frozen=True)
class Timeline:
    """The sigmas of one run and the axis on which trajectories are extrapolated.

    A position is a step index, fractional when a sampler evaluates between two steps.
    mixed: whether x is a mix of picture and noise, as a flow model's; None where only the sigmas tell.
    guidance: the guider's cfg; None if it tells none. sigma_of_share: the sigma at a share of the
    model's noise levels, 0 to 1; None takes the share of the steps.
    """

    sigmas: tuple[float, ...]
    axis: str = "step"
    mixed: bool | None = None
    guidance: float | None = None
    sigma_of_share: Callable[[float], float] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.axis not in TIME_AXES:
            raise TapError(f"time_axis is {self.axis!r}; choose one of {', '.join(TIME_AXES)}.")
        if len(self.sigmas) < 2 or not all(math.isfinite(s) for s in self.sigmas):
            raise TapError(f"A run needs at least two finite sigmas, got {list(self.sigmas)}.")

    @property
    def steps(self) -> int:
        """Number of sampler steps of this run."""
        return len(self.sigmas) - 1

    @property
    def mixes(self) -> bool:
        """Whether x is a mix of picture and noise."""
        return mixes(self.sigmas) if self.mixed is None else self.mixed

    def position(self, sigma: float, after: float = 0.0) -> float:
        """Step position of `sigma`; it lies between two steps only if no step has this sigma.

        If several places have it, the one nearest to `after`; the later of two that are equally near.
        """
        differences = {float(i): abs(s - sigma) for i, s in enumerate(self.sigmas)
                       if math.isclose(s, sigma, rel_tol=SIGMA_TOLERANCE)}
        steps = [i for i, far in differences.items() if far <= min(differences.values()) + ROUNDING * sigma]
        between = [i + (sigma - a) / (b - a) for i, (a, b) in enumerate(pairwise(self.sigmas))
                   if min(a, b) < sigma < max(a, b)]
        places = steps or between or [float(min(range(len(self.sigmas)), key=lambda i: abs(self.sigmas[i] - sigma)))]
        return min(places, key=lambda place: (abs(place - after), -place))

    def passes_over(self, start: float, end: float) -> bool:
        """Whether a sampler that goes from one position to another leaves out a sigma that it was given."""
        ends = [self.sigma_at(start), self.sigma_at(end)]
        return any(not any(math.isclose(self.sigmas[i], sigma, rel_tol=SIGMA_TOLERANCE) for sigma in ends)
                   for i in range(math.floor(start) + 1, math.ceil(end)))

    def coordinate(self, position: float) -> float:
        """Position on the time axis: the step itself, or the sigma there (linear between steps, held at the ends)."""
        return position if self.axis == "step" else self.sigma_at(position)

    def sigma_at(self, position: float) -> float:
        """The sigma at a position, linear between steps, held at the ends."""
        inside = min(max(position, 0.0), float(self.steps))
        left = min(int(inside), self.steps - 1)
        share = inside - left
        return self.sigmas[left] * (1.0 - share) + self.sigmas[left + 1] * share

    def has_come_to(self, share: float, step: int) -> bool:
        """Whether a step is at or after a share of the model's noise levels."""
        if self.sigma_of_share is None:
            return step >= share * self.steps - ROUNDING
        return self.sigmas[step] <= float(self.sigma_of_share(share)) * (1 + SIGMA_TOLERANCE)

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest coordinate of the run."""
        return (0.0, float(self.steps)) if self.axis == "step" else (min(self.sigmas), max(self.sigmas))

    def separating(self, positions: Sequence[float]) -> "Timeline":
        """This timeline, or the one in steps if some of the positions share a sigma, as on a plateau of sigmas."""
        places = sorted(self.coordinate(p) for p in positions)
        closest = CLOSEST_COORDINATES * (self.span[1] - self.span[0])
        apart = all(b - a > closest for a, b in pairwise(places))
        return self if apart and closest > 0 else replace(self, axis="step")


def same_sigmas(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two runs go through the same noise levels, up to rounding."""
    tolerance = 3 * SIGMA_TOLERANCE * max(*one, *other)
    return len(one) == len(other) and all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))
