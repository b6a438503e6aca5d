"""What TeaCache and MagCache need to know of a model, measured on runs that compute every step.

h: probe.  r: target.  Changes are from one evaluation to the next.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .errors import TapError
from .schedule import SKIP, Decision, Seen
from .schedules.adaptive import relative_change
from .timeline import Timeline


@dataclass
class Changes:
    """probe: mean|h_s - h_{s-1}| / mean|h_{s-1}|. target: the same of r. ratio: mean of |r_s| / |r_{s-1}|, by token."""

    probe: list[float] = field(default_factory=list)
    target: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class MeasuringSchedule:
    """Computes every step and adds what changes to `changes`, run after run."""

    changes: Changes

    def start(self, timeline: Timeline) -> "MeasuringCourse":
        """Its course through a run."""
        return MeasuringCourse(self.changes)


class MeasuringCourse:
    """Keeps the latest probe and target."""

    needs = frozenset({"probe", "target"})
    skips_any = True  # or nothing would be caught

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._latest: tuple[Tensor, Tensor] | None = None

    def before(self, seen: Seen) -> Decision:
        """Full."""
        return Decision(full=True, reason="measured")

    def in_call(self, seen: Seen) -> Decision:
        """Nothing is ever asked for."""
        return SKIP

    def after(self, seen: Seen) -> None:
        """Measure; waits for the device."""
        if seen.probe is None or seen.target is None:
            return
        if self._latest is not None and self._latest[1].shape == seen.target.shape:
            probe, target = self._latest
            self._changes.probe.append(relative_change(seen.probe, probe))
            self._changes.target.append(relative_change(seen.target, target))
            ratio = seen.target.float().norm(dim=-1) / target.float().norm(dim=-1)
            self._changes.ratio.append(float(ratio.mean()))
        self._latest = seen.probe, seen.target


def fit_polynomial(changes: Changes, degree: int = 4) -> tuple[float, ...]:
    """TeaCache's polynomial from the probe's to the target's change, least squares, highest power first."""
    if len(changes.probe) <= degree:
        raise TapError(f"{len(changes.probe)} changes are too few for degree {degree}; measure a longer run.")
    x = torch.tensor(changes.probe, dtype=torch.float64)
    powers = torch.stack([x**power for power in range(degree, -1, -1)], dim=-1)
    target = torch.tensor(changes.target, dtype=torch.float64)[:, None]
    return tuple(torch.linalg.lstsq(powers, target, driver="gelsd").solution.flatten().tolist())


def magnitude_ratios(changes: Changes, steps: int) -> tuple[float, ...]:
    """MagCache's ratios for runs of so many steps: the mean over the measured runs, 1 for the first step."""
    if steps < 2 or not changes.ratio or len(changes.ratio) % (steps - 1):
        raise TapError(f"{len(changes.ratio)} ratios are not those of whole runs of {steps} steps.")
    runs = torch.tensor(changes.ratio, dtype=torch.float64).view(-1, steps - 1)
    return (1.0, *runs.mean(dim=0).tolist())
