"""Rows of weights that were learned from runs of the same model, sampler and steps.

f_0 (newest), f_1, f_2: the last full steps.  D_i = r_{f_i} - r_{f_0}.  u: how far the asked step is into the gap, as a
share of the way from f_0 to the next full step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..predictor import Predictor
from ..timeline import Timeline, same_sigmas
from .weight_row import padded

SNAPSHOTS = 3
# D_1 u, D_1 u^2, D_2 u, D_2 u^2.
NUMBERS = 4
# A larger number would blow any picture up.
HIGHEST = 1000.0

OTHER_RUN = ("The learned weights are for {steps} steps of other noise levels, so this run chose from TAP's own "
             "predictors. Calibrate on this run.")


@dataclass(frozen=True)
class LearnedWeights:
    """What was learned of one run. sigmas: one more than its steps. full: its full steps.

    numbers: a_1, b_1, a_2, b_2 of the gap behind each full step, see `Learned`.
    """

    sigmas: tuple[float, ...]
    full: tuple[int, ...]
    numbers: tuple[tuple[float, ...], ...]

    def fits(self, timeline: Timeline) -> bool:
        """Whether a run goes through the same noise levels."""
        return same_sigmas(self.sigmas, timeline.sigmas)

    def __str__(self) -> str:
        """Its value in a report."""
        return f"{len(self.full)} of {len(self.sigmas) - 1} steps"

    def gap(self, past: Sequence[float]) -> int | None:
        """The number of the gap behind these full steps, newest first; None if the learned run has none such.

        Fewer full steps than were learned from are none such: a prompt may begin in mid-run.
        """
        if past[0] not in self.full:
            return None
        gap = self.full.index(int(past[0]))
        return gap if list(past[:SNAPSHOTS]) == self.past_of(gap) else None

    def past_of(self, gap: int) -> list[int]:
        """The full steps before a gap, newest first, at most SNAPSHOTS of them."""
        return list(reversed(self.full[max(gap + 1 - SNAPSHOTS, 0) : gap + 1]))

    def end_of(self, gap: int) -> int:
        """The full step behind a gap, or the end of the run."""
        return (*self.full, len(self.sigmas) - 1)[gap + 1]


@dataclass(frozen=True)
class Learned:
    """forecast = r_{f_0} + sum_{i=1,2} (a_i u + b_i u^2) D_i, with four numbers a gap, learned by least squares.

    L2P (arXiv 2604.26365) learns one weight for each earlier step, the forecast ones included, by gradient descent on
    full runs. Here the weights sum to 1, over the last three full steps, and change smoothly within a gap; they are
    learned in closed form (calibrate/learned_rows.py), on full runs or on what a skipping run sees. Learned on a
    quadratic curve over the steps they are Newton's polynomial.
    """

    learned: LearnedWeights
    order: int = 2
    horizon: float = 0.0
    family: str = "learned"

    @property
    def snapshots(self) -> int:
        """Full steps that the weights are over."""
        return SNAPSHOTS

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float] | None:
        """Weights newest first; None in a run, or after full steps, that were not learned."""
        gap = self.learned.gap(past) if _fits(self.learned, timeline.sigmas) else None
        if gap is None:
            return None
        share = (position + self.horizon - past[0]) / (self.learned.end_of(gap) - past[0])
        return padded(row(self.learned.numbers[gap], share, len(self.learned.past_of(gap))), past)

    def note(self, timeline: Timeline) -> str:
        """What the report has to say of a run; "" if it is the learned one."""
        return "" if self.learned.fits(timeline) else OTHER_RUN.format(steps=len(self.learned.sigmas) - 1)


@dataclass(frozen=True)
class Otherwise:
    """Another predictor, where there are no learned weights."""

    learned: Learned
    other: Predictor

    @property
    def horizon(self) -> float:
        """The other's."""
        return self.other.horizon

    @property
    def family(self) -> str:
        """The other's."""
        return self.other.family

    @property
    def order(self) -> int:
        """The other's."""
        return self.other.order

    @property
    def snapshots(self) -> int:
        """The other's."""
        return self.other.snapshots

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float] | None:
        """The other's weights, newest first; None where there are learned ones."""
        if self.learned.weights(past, position, timeline) is not None:
            return None
        return self.other.weights(past, position, timeline)


def row(numbers: Sequence[float], share: float, snapshots: int) -> list[float]:
    """Weights of the last full steps, newest first, at a share of a gap; of fewer than SNAPSHOTS where there are."""
    older = [numbers[2 * i] * share + numbers[2 * i + 1] * share**2 for i in range(snapshots - 1)]
    return [1.0 - sum(older), *older]


@lru_cache(maxsize=8)  # asked for at every step of a run
def _fits(learned: LearnedWeights, sigmas: tuple[float, ...]) -> bool:
    return same_sigmas(learned.sigmas, sigmas)
