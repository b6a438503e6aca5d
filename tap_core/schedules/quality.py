"""As many full steps as a wished closeness takes: the paper's N becomes the outcome (bench/closeness/README.md)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import mean

from torch import Tensor

from ..errors import TapError
from ..schedule import SKIP, AdaptiveSchedule, Course, Decision, Seen
from ..timeline import Timeline
from .course import TOO_FEW
from .drift_rates import POWER, SOME_RENEWED, TINY, DriftRates, line_of
from .placed import Curve, by_change, by_step, nearest

# A gap is at most so many times as long as those before it would have been without the first steps' surprises: the
# picture is closest where gaps are alike.
GROWTH = 1.1
# Where more was spent than allowed, the rest of the run may still spend this part of its share.
FAIR = 0.7
# A sampler that draws this share of its noise anew at a step makes another picture from any forecast.
RENEWED = 0.5
ALL_NOISE_ANEW = ("This sampler draws all of its noise anew at each step, and would make another picture from a "
                  "forecast; every step was computed in full. Choose another sampler, or quality fixed.")
NOISE_AND_LIMIT = ("This sampler draws all of its noise anew at each step, and makes another picture from a forecast; "
                   "most_computed allowed no more computed steps. Set most_computed to 0, or choose another sampler.")
# After so many steps that is known.
ENOUGH = 2
# Where more than this share of the steps would have to be computed, the few others are not worth a changed picture.
MOST_STEPS = 0.8
MOST_ANYWAY = ("For this quality nearly every step would have to be computed, so TAP computed the rest of the run in "
               "full. Choose a lower quality, weaker guidance or more steps.")
NO_NUMBERS = ("The model gave values that are not numbers (NaN or infinity), and nothing can be forecast from them; "
              "the rest of the run was computed in full. Look at the picture: its full run fails, too.")
# No more than rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class QualitySchedule(AdaptiveSchedule):
    """Full steps on the curve of `placed`, as dense as the drifts of the run so far ask for.

    decibels: the closeness that is wished. most: at most so many full steps, 0 for no limit. closer: see Line.
    Raises TapError for a negative limit.
    """

    decibels: float
    most: int = 0
    curve: Curve = by_change
    closer: float = 0.0

    def __post_init__(self) -> None:
        if self.most < 0:
            raise TapError(f"most_computed is {self.most}; set it to 0 (no limit) or more.")

    def start(self, timeline: Timeline) -> "QualityCourse":
        """Its course through a run."""
        return QualityCourse(self, timeline)


class QualityCourse(Course):
    """Plans each gap at the full step before it, from what the first steps show and what the gaps so far drifted.

    said: why every step is computed, or what a limit does to the picture; "" while there is nothing to say.
    """

    def __init__(self, schedule: QualitySchedule, timeline: Timeline) -> None:
        self._schedule, self._last = schedule, timeline.steps - 1
        self._most = schedule.most if schedule.most < timeline.steps else 0
        self.said = ""
        self.skips_any = timeline.steps > TOO_FEW or self._most > 0
        self._heights = _from_0_to_1(schedule.curve, timeline)
        self._rates = DriftRates(timeline, self._heights)
        self._line = line_of(timeline, schedule.closer)
        self._spent: list[float] = []  # of each picture: the drift of all gaps
        self._allowed = self._calm = 0.0  # how much may be spent, and how much where steps do not turn
        self._foreseen = False  # whether the first step is known to draw little noise anew
        self._newest, self._next, self._count = -1, 0, 0  # latest and next full step, and how many there were
        self._due, self._gap = 0.0, 0.0  # on the curve: where the latest full step was due, and the gap behind it
        self._gaps: list[float] = []  # all so far, as they were planned without what the first steps show

    def before(self, seen: Seen) -> Decision:
        """As planned for its step; all evaluations of a step are decided alike."""
        step = self._step(seen)
        unforeseen = step > 0 == self._newest and not self._foreseen and self._left > 1
        if step == self._newest or step >= self._next or unforeseen:
            return Decision(full=True, reason="quality" if step else "first step")
        return SKIP

    def foresee(self, renewed: float) -> None:
        """Before the second evaluation: the share of the noise that the sampler drew anew at its first step."""
        self._foreseen = renewed <= RENEWED
        self._rates.expect_noise(renewed)
        if SOME_RENEWED < renewed <= RENEWED and self._newest == 0:
            self._gaps = []
            self._plan(0)

    def after(self, seen: Seen) -> None:
        """Plan the next gap, by what the run has read of its device."""
        step = self._step(seen)
        if not seen.whole or step <= self._newest:
            return
        self._spent, latest, surprises, renewed = _read(seen)
        line = replace(self._line, twice=seen.twice, turned=_number(seen.turned))
        if self._newest <= 0:
            self._rates.expect_noise(renewed)
        if step == self._newest + 1:
            self._rates.look(step, surprises)
        elif latest:
            self._rates.learn(self._newest, step, latest, alone=not self._newest and not seen.twice)
        self._due = min(self._due + self._gap, 1.0) if step == self._next else self._heights[step]
        self._newest, self._count = step, self._count + 1
        self._allowed = line.drift(self._schedule.decibels)
        self._calm = replace(line, turned=0.0).drift(self._schedule.decibels)
        # Many samplers draw all noise anew at their first step, and little of it later.
        if math.isnan(renewed):
            self.said = self.said or NO_NUMBERS
        elif renewed > RENEWED and step > ENOUGH:
            self._tell_noise(step)
        self._plan(step, any_skipped=renewed <= RENEWED)

    def _tell_noise(self, step: int) -> None:
        """Say why a sampler that draws all noise anew is computed in full, or that a limit did not allow it."""
        if not self._most:
            self.said = self.said or ALL_NOISE_ANEW
        elif self._count <= step:
            self.said = self.said or NOISE_AND_LIMIT

    def _plan(self, step: int, any_skipped: bool = True) -> None:
        """Place the rest of the run like a fixed number of full steps, of as many as the drifts so far ask for."""
        gap, left = self._wished(step) if any_skipped else 0.0, 1 - self._due
        if self.said:
            gap = 0.0
        if self._left <= 0:
            self._next = self._last + 1
            return
        gap = max(gap, left / self._left)
        if gap:
            self._gaps.append(_alike(left, gap))
            self._gap = min(self._gaps[-1], self._short_enough(left))
            self._next = min(max(nearest(self._heights, self._due + self._gap), step + 1), self._last)
            if self._gap < self._gaps[-1] and self._next == step + 1:  # no gap is shorter than a step
                self._gap = max(self._gap, self._heights[self._next] - self._due)
        else:
            self._next = min(step + 1, self._last)
            self._gap = self._heights[self._next] - self._due

    @property
    def _left(self) -> float:
        """How many more full steps there may be."""
        return self._most - self._count if self._most else math.inf

    def _wished(self, step: int) -> float:
        """The length of the next gap, for the picture of the batch that drifts most; 0 where that is not known."""
        length = self._shortest(self._rates.of_run(len(self._spent)))
        if not length:
            return 0.0
        some_left = self.skips_any and step + 2 <= self._last
        if some_left and length * self._last < 1 / MOST_STEPS and not self._most:
            self.said = self.said or MOST_ANYWAY
        return min(length, GROWTH * mean(self._gaps)) if self._gaps else length

    def _short_enough(self, left: float) -> float:
        """The length of the next gap by what the first steps show; no gap is shorter than a limit allows."""
        return _alike(left, max(self._shortest(self._rates.of_next_gap(len(self._spent))), left / self._left))

    def _shortest(self, rates: Sequence[float]) -> float:
        """The shortest of the gaps that the pictures of the batch may have; 0 if that is not known."""
        spent = self._spent or [0.0] * len(rates)
        if not all(map(math.isfinite, (*rates, *spent))):
            self.said = self.said or NO_NUMBERS
            return 0.0
        return min(self._length(rate, one) for rate, one in zip(rates, spent, strict=True))

    def _length(self, rate: float, spent: float) -> float:
        """How long the gaps of a picture may be on the curve, if all that are left are alike."""
        left = max((self._allowed - spent) / max(1 - self._due, TINY), FAIR * self._allowed)
        if spent > self._allowed:
            left = FAIR * self._calm
        return math.exp((math.log(left) - rate) / (2 * POWER - 1))

    def _step(self, seen: Seen) -> int:
        return min(int(seen.position), self._last)


def _from_0_to_1(curve: Curve, timeline: Timeline) -> list[float]:
    """How far along its curve a run is at each step; sigmas that rise have no such curve."""
    heights = curve(timeline.sigmas[:-1], timeline.mixes)
    if any(after <= before for before, after in pairwise(heights)):
        heights = by_step(heights, timeline.mixes)
    whole = (heights[-1] - heights[0]) or 1.0
    return [(height - heights[0]) / whole for height in heights]


def _alike(left: float, gap: float) -> float:
    """The longest gap of which a whole number, no longer than this one, fills what is left."""
    return left / max(math.ceil(left / gap - ROUNDING), 1)


def _read(seen: Seen) -> tuple[list[float], list[float], list[float], float]:
    """For each picture the drift of all gaps, that of the latest one, and the surprise; the renewed share of noise."""
    spent, latest = ([], []) if seen.drifts is None else seen.drifts.tolist()
    surprises = [] if seen.surprise is None else seen.surprise.tolist()
    return spent, latest, surprises, _number(seen.renewed)


def _number(known: Tensor | None) -> float:
    return 0.0 if known is None else float(known)
