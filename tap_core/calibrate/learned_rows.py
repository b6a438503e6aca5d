"""Learned weights (L2P, arXiv 2604.26365), by least squares over all skipped steps of some runs at once.

L2P learns each step's weights by themselves, by gradient descent on full runs; predictors/learned.py says what differs.

G: guided slope [T, N, C] that a run saw.  G*: that of the full run of the same picture, which is what is wanted.
D_i = G_{f_i} - G_{f_0}, of the last full steps.  u: share of the gap, as in predictors/learned.py.
e_j: error in x that the forecast of step j adds.  E_j: what all steps up to j have added.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import TapError
from ..predictors.learned import HIGHEST, NUMBERS, LearnedWeights
from .conditions import few, what_is_forecast
from .trace import Trace

CHANNELS = 64
# Errors that go the same way at every step cost most, so sum |E_j|^2 is made small, not only sum |e_j|^2; the latter
# counts so many times, or forecasts would learn to make up for one another on the measured pictures alone.
EACH_STEP = 10.0
# Hold the numbers together where a gap is too short to tell them apart, or its differences are rounding: the first one
# that keeps all within HIGHEST. A ridge is a share of each number's own square, and LEAST of it of the largest one.
RIDGES, LEAST = (1e-6, 1e-4, 1e-2, 1.0), 1e-6
# Two runs of one picture differ at their first step by no more than rounding.
SAME = 1e-3


def learned_weights(traces: Sequence[Trace], full: Sequence[int]) -> LearnedWeights:
    """The weights with the smallest sum of |E_j|^2 + EACH_STEP |e_j|^2 over the skipped steps of these runs, after L2P.

    traces: of runs with the same sigmas. With runs among them that skipped with these full steps, the weights are
    learned on what those saw. All are 0 where there is nothing to learn. Raises TapError where the full run of such a
    picture is missing.
    """
    empty = LearnedWeights(traces[0].sigmas, tuple(full), ((0.0,) * NUMBERS,) * len(full))
    size = NUMBERS * len(full)
    gram, lean = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
    for seen, wanted in _pairs(traces):
        columns, error = torch.zeros(size, wanted[0].numel(), dtype=torch.float64), torch.zeros(wanted[0].numel())
        for added, missing, skipped in _steps(empty, seen, wanted):
            error = error + missing
            if not skipped:
                continue
            columns = columns + added
            gram += columns @ columns.T + EACH_STEP * added @ added.T
            lean += columns @ error + EACH_STEP * added @ missing
    largest = gram.diagonal().max()
    if not largest:  # nothing is skipped, or all of it behind a single full step
        return empty
    for ridge in RIDGES:
        held = (ridge * gram.diagonal() + LEAST * ridge * largest).diag()
        found = torch.linalg.solve(gram + held, lean)
        if found.abs().max() <= HIGHEST:
            return LearnedWeights(empty.sigmas, empty.full, tuple(map(tuple, found.view(-1, NUMBERS).tolist())))
    return empty


def guided_slope(trace: Trace, full: Trace | None = None) -> Tensor:
    """G [T, N, C] in float64: what the sampler's slope gets of all conditions' targets.

    full: the full run of the same picture, by whose scale and noise a target counts; the trace itself if not given.
    """
    full = full or trace
    return sum(one.share * scale[:, None, None].double() * target.double()
               for one in trace.conditions for target, scale in what_is_forecast(one, full))


def _pairs(traces: Sequence[Trace]) -> Iterator[tuple[Tensor, Tensor]]:
    """G and G* of each run that skipped, or of all if none did: of at most CHANNELS channels."""
    skipping = [trace for trace in traces if trace.full]
    for trace in skipping or traces:
        full = _full_run_of(trace, traces) if trace.full else trace
        slopes = guided_slope(trace, full), guided_slope(full)
        yield tuple(slope[..., few(slope.shape[2], CHANNELS)] for slope in slopes)


def _full_run_of(trace: Trace, traces: Sequence[Trace]) -> Trace:
    """The full run of the same picture: its first step, which nothing was skipped before, is the same."""
    for other in traces:
        if not other.full and len(other.conditions) == len(trace.conditions) and all(
                _same(*(each.target[0] for each in pair))
                for pair in zip(trace.conditions, other.conditions, strict=True)):
            return other
    raise TapError("Weights are learned on a run that skipped by comparing it with the full run of the same picture. "
                   "Connect the trace of a full run with the same prompt and seed, too.")


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).norm() <= SAME * other.norm())


def _steps(learned: LearnedWeights, seen: Tensor, wanted: Tensor) -> Iterator[tuple[Tensor | None, Tensor, bool]]:
    """Of each step: what each number adds to x [4 F, M], what a repeat of f_0 leaves to add [M], whether it is skipped.

    seen, wanted: G and G* [T, N, C]. M: N * C.
    """
    lengths = [before - after for before, after in pairwise(learned.sigmas)]
    for gap, newest in enumerate(learned.full):
        end, past = learned.end_of(gap), learned.past_of(gap)
        older = [(seen[place] - seen[newest]).flatten() for place in past[1:]]
        for step in range(newest, end):
            missing = lengths[step] * (wanted[step] - seen[newest]).flatten()
            share, added = (step - newest) / (end - newest), None
            if step > newest:
                added = torch.zeros(NUMBERS * len(learned.full), missing.numel(), dtype=torch.float64)
                for i, difference in enumerate(older):
                    for power in (1, 2):
                        added[NUMBERS * gap + 2 * i + power - 1] = lengths[step] * share**power * difference
            yield added, missing, step > newest
