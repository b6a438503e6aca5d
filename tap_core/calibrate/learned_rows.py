"""Learned weights, by least squares over the steps of each gap.

G: guided slope [T, N, C].  D_i = G_{f_i} - G_{f_0}, of the last full steps.  u: share of the gap, as in
predictors/learned.py.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..predictors.learned import NUMBERS, LearnedWeights
from .conditions import what_is_forecast
from .trace import Trace

# Holds the numbers together where a gap is too short to tell them apart; from 1e-5 to 1e-2 pictures are equally close.
RIDGE = 1e-6
TINY = 1e-30  # where nothing moves


def learned_weights(traces: Sequence[Trace], full: Sequence[int]) -> LearnedWeights:
    """The weights that would have left the smallest error in x at the skipped steps of these runs, in the mean.

    traces: of runs with the same sigmas, computed in full, or skipping with these full steps.
    """
    sigmas = traces[0].sigmas
    learned = LearnedWeights(sigmas, tuple(full), ((0.0,) * NUMBERS,) * len(full))
    slopes = [guided_slope(trace) for trace in traces]
    numbers = tuple(_numbers(learned, gap, slopes) for gap in range(len(full)))
    return LearnedWeights(sigmas, tuple(full), numbers)


def guided_slope(trace: Trace) -> Tensor:
    """G [T, N, C] in float64: what the sampler's slope gets of all conditions' targets."""
    parts = [condition.share * scale[:, None, None].double() * target.double()
             for condition in trace.conditions for target, scale in what_is_forecast(condition, trace)]
    return sum(parts)


def _numbers(learned: LearnedWeights, gap: int, slopes: Sequence[Tensor]) -> tuple[float, ...]:
    """The four numbers of one gap; those of full steps that are not there are 0."""
    past, end = learned.past_of(gap), learned.end_of(gap)
    steps = range(past[0] + 1, end)
    known = 2 * (len(past) - 1)
    if not steps or not known:
        return (0.0,) * NUMBERS
    gram, lean = torch.zeros(known, known, dtype=torch.float64), torch.zeros(known, dtype=torch.float64)
    lengths = [before - after for before, after in pairwise(learned.sigmas)]
    for slope in slopes:
        older = [slope[place] - slope[past[0]] for place in past[1:]]
        for step in steps:
            share = (step - past[0]) / (end - past[0])
            columns = torch.stack([each * share**power for each in older for power in (1, 2)]).flatten(1)
            weight = lengths[step] ** 2
            gram += weight * columns @ columns.T
            lean += weight * columns @ (slope[step] - slope[past[0]]).flatten()
    gram += (RIDGE * gram.diagonal() + TINY).diag()
    found = torch.linalg.solve(gram, lean).tolist()
    return (*found, *(0.0,) * (NUMBERS - known))
