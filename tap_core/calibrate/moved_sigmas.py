"""Sigmas moved to fit a placement: BudCache's second stage (arXiv 2606.13496), with a trace in place of the model.

BudCache keeps its choice of full steps and then learns sigmas, by gradients through the model, so that the end of the
run comes close to that of the full one. Distances between sigmas are a softmax of as many parameters (LD3's), over the
whole run or between full steps only. Here the same parameters are learned, on what the gaps add to x as a trace of the
full run tells it (full_way.py): no model is run, and gaps are held to the full run one by one.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import TapError
from .full_way import FullWay
from .trace import Trace

ROUNDS, PACE = 200, 0.03
OFF, SKIPPED, ALL = MOVES = ("off", "skipped", "all")


def moved_sigmas(traces: Sequence[Trace], full: Sequence[int], which: str) -> tuple[float, ...]:
    """As many sigmas as the runs had, falling, with the same first and last.

    which: "skipped" leaves those of the full steps where they are, "all" moves them, too. Raises TapError for a run
    whose sigmas do not fall.
    """
    if any(after >= before for before, after in pairwise(traces[0].sigmas)):
        raise TapError("Sigmas can be moved only where each is lower than the one before. Set move_sigmas to off.")
    borders = (0, traces[0].steps) if which == ALL else (*full, traces[0].steps)
    # ComfyUI runs nodes in inference mode, where nothing has a gradient.
    with torch.inference_mode(False), torch.enable_grad():
        ways = [FullWay(trace) for trace in traces]
        shares = torch.zeros(traces[0].steps, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([shares], lr=PACE)
        for _ in range(ROUNDS):
            sigmas = _sigmas(ways[0].sigmas, shares, borders)
            loss = sum(way.drifts(sigmas, full).square().mean(dim=1).sum() for way in ways)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return tuple(_sigmas(ways[0].sigmas, shares.detach(), borders).tolist())


def _sigmas(start: Tensor, shares: Tensor, borders: Sequence[int]) -> Tensor:
    """Sigmas [T + 1] whose distances between borders are changed by factors, the exponentials of shares [T]."""
    parts = [start[:1]]
    for first, last in pairwise(borders):
        distances = -start[first : last + 1].diff()
        changed = torch.softmax(distances.log() + shares[first:last], dim=0) * distances.sum()
        parts += [start[first] - changed.cumsum(dim=0)[:-1], start[last : last + 1]]
    return torch.cat(parts)
