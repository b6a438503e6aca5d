"""How fast the gaps of a run drift: what is expected beforehand, what its first steps show, and what its gaps did.

The drift of a gap grows with the third power of its length on the curve of `placed`. A rate is the logarithm of a gap's
squared drift over that power of its length, squared: it is the same for short gaps and long ones (bench/closeness).
"""

import math
from collections.abc import Sequence

from ..closeness import ENOUGH_STEPS, Line, doublings
from ..noise_level import noise_level
from ..timeline import UNKNOWN_GUIDANCE, Timeline
from .placed import change_done

POWER = 3.0
# The drift of a gap as long as a whole run, in dB: without guidance, how much more for each doubling of it, and how
# much less for each halving of 20 steps.
RATE, RATE_GUIDED, RATE_SHORT = 4.0, 8.2, 7.6
# How much the latest gap counts in what is expected of the next ones.
NEWEST = 0.4
# Before a gap has told, the next one is expected to drift by so many dB more than the step that was just computed would
# have: models that drift fast at first lose more by it than later.
MARGIN = 4.0
# Steps are looked at so in this part of the curve alone: from there on a gap has to tell.
EARLY = 0.5
# The gap behind the first step alone counts so many dB less than others (sampling/drifts.py).
ALONE = 7.0
# A sampler that draws some noise anew at its first step is expected to drift by so many dB: of it no forecast knows.
SOME_RENEWED, NOISY_RATE = 0.1, 34.0
# A run of a part of a picture's change is expected to drift by this power of the part, which is at least so large.
PART_POWER, LEAST_PART = 4.0, 0.05
# The share of a model's noise levels that stands for the first of them: at 0 ComfyUI has no level.
FIRST = 1e-4
TINY, DECIBEL = 1e-30, math.log(10) / 10


class DriftRates:
    """Of one run: natural logarithms, one for each picture of its batch.

    heights: how far along the curve the run is at each step, 0 to 1. pictures: how many there are, 0 if not known yet.
    """

    def __init__(self, timeline: Timeline, heights: Sequence[float]) -> None:
        self._heights = heights
        self._levels = [noise_level(sigma, timeline.mixes) for sigma in timeline.sigmas]
        short = RATE_SHORT * doublings(ENOUGH_STEPS, _whole_steps(timeline))
        self._scale = PART_POWER * math.log(_part(timeline)) - short * DECIBEL
        self._expected = (RATE + RATE_GUIDED * math.log2(_guidance(timeline))) * DECIBEL + self._scale
        self._learned: list[float] = []
        self._shown: list[float] = []  # by the first steps
        self._noisy = False

    def of_run(self, pictures: int) -> list[float]:
        """What the gaps of the rest of the run are expected to drift by."""
        return self._learned or [self._expected] * max(pictures, len(self._shown), 1)

    def of_next_gap(self, pictures: int) -> list[float]:
        """The same for the next gap alone: models differ most in how fast they drift at first."""
        rates = self.of_run(pictures)
        return [max(pair) for pair in zip(rates, self._shown, strict=True)] if self._shown else rates

    def expect_noise(self, renewed: float) -> None:
        """Expect more drift where the first step is seen to draw this share of its noise anew."""
        if renewed > SOME_RENEWED:
            self._noisy, self._expected = True, max(self._expected, NOISY_RATE * DECIBEL + self._scale)

    def learn(self, start: int, end: int, drifts: Sequence[float], alone: bool) -> None:
        """Take the squared drifts of the gap between two full steps, one for each picture. alone: whether it was behind
        a single full evaluation, and tells little.
        """
        rates = [_rate(drift, self._length(start, end)) for drift in drifts]
        if start == 0:
            self._show(rates, ALONE * alone)
            return
        self._shown = []
        self._learned = [NEWEST * rate + (1 - NEWEST) * other
                         for rate, other in zip(rates, self.of_run(len(rates)), strict=True)]

    def look(self, step: int, surprises: Sequence[float]) -> None:
        """Take what a step that was computed behind another one would have drifted by. surprises: see Seen."""
        self._shown = []
        if surprises and step + 1 < len(self._heights) and self._heights[step] < EARLY:
            way = (self._levels[step] - self._levels[step + 1]) ** 2
            length = self._length(step - 1, step + 1)
            self._show([_rate(surprise * way, length) for surprise in surprises], MARGIN)

    def _show(self, rates: Sequence[float], margin: float) -> None:
        known = not (self._learned or self._noisy) and all(map(math.isfinite, rates))
        self._shown = [rate + margin * DECIBEL for rate in rates] if known else []

    def _length(self, start: int, end: int) -> float:
        return max(self._heights[end] - self._heights[start], TINY)


def _rate(drift: float, length: float) -> float:
    return math.log(max(drift, TINY)) - 2 * POWER * math.log(length)


def line_of(timeline: Timeline, closer: float) -> Line:
    """From the drift of a run to its closeness, by what is known before it begins. closer: see Line."""
    return Line(closer=closer, guidance=_guidance(timeline), steps=_whole_steps(timeline))


def _guidance(timeline: Timeline) -> float:
    return UNKNOWN_GUIDANCE if timeline.guidance is None else max(timeline.guidance, 1.0)


def _whole_steps(timeline: Timeline) -> float:
    """How many steps there are in a run that makes a picture from noise alone, if it is as fine as this one."""
    return timeline.steps / _part(timeline)


def _part(timeline: Timeline) -> float:
    """The part of a picture's whole change that a run covers: it starts from a picture, or another model ends it."""
    start, end = change_done((timeline.sigmas[0], timeline.sigmas[-1]), timeline.mixes)
    return min(max((end - start) / _most(timeline), LEAST_PART), 1.0) if end > start else 1.0


def _most(timeline: Timeline) -> float:
    """The part that a run from the model's first noise level covers: noise that is added never hides all of it."""
    if timeline.mixes or timeline.sigma_of_share is None:
        return 1.0
    first = float(timeline.sigma_of_share(FIRST))
    return 1 - change_done((first,), mixed=False)[0] if 0 < first < math.inf else 1.0
