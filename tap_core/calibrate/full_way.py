"""The way of a full run, at any sigma, and how far a run with other sigmas drifts from it in its gaps.

d: guided slope on the way of the full run, linear between its sigmas.  X: x on that way, which Euler steps make linear
between the sigmas, too.  s_j: sigmas of the other run, in as many steps.  A gap: from one full step to the next.
N: values, tokens times channels.  F: full steps.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..noise_level import log_noises
from ..predictors.lagrange import lagrange
from ..predictors.taylor import series
from ..sampling.interpolation import DEGREE
from .conditions import few
from .gap_errors import LEFT_BY_REPAYING, weight_of
from .learned_rows import guided_slope
from .trace import Trace

TOKENS, CHANNELS = 64, 32


class FullWay:
    """Of one trace. Values are float64."""

    def __init__(self, trace: Trace) -> None:
        slope = guided_slope(trace)
        slope = slope[:, few(slope.shape[1], TOKENS)][..., few(slope.shape[2], CHANNELS)]
        self.slope, self.mixed = slope.flatten(1), trace.mixed
        self.sigmas = torch.tensor(trace.sigmas, dtype=torch.float64)
        moved = self.sigmas.diff()[:, None] * self.slope
        self._x = torch.cat([torch.zeros_like(moved[:1]), moved.cumsum(dim=0)])  # from the first sigma on

    def slope_at(self, sigmas: Tensor) -> Tensor:
        """d [J, N] at sigmas [J]; behind the last step that of the last step."""
        return _between(self.slope, self.sigmas[:-1], sigmas)

    def x_at(self, sigmas: Tensor) -> Tensor:
        """X [J, N] at sigmas [J], relative to the first."""
        return _between(self._x, self.sigmas, sigmas)

    def drifts(self, sigmas: Tensor, full: Sequence[int]) -> Tensor:
        """What each gap adds to x beside what the full run adds there [F, N], weighted as in a placement.

        sigmas: [T + 1] of the other run. Skipped slopes follow the last two full steps' line, and are repaid.
        """
        ends = (*full, len(sigmas) - 1)
        adds = slope_shares(sigmas, full, self.mixed) @ self.slope_at(sigmas[list(full)])
        weights = [weight_of(float(sigmas[step].detach()), self.mixed) for step in full]
        return torch.tensor(weights, dtype=sigmas.dtype)[:, None] * (adds - self.x_at(sigmas[list(ends)]).diff(dim=0))


def slope_shares(sigmas: Tensor, full: Sequence[int], mixed: bool) -> Tensor:
    """[F, F]: what each gap adds to x, as weights of the full steps' slopes."""
    places = log_noises(sigmas, mixed)
    rows = []
    for number, (step, end) in enumerate(pairwise((*full, len(sigmas) - 1))):
        lengths = sigmas[step + 1 : end + 1] - sigmas[step:end]
        row: dict[int, Tensor] = {number: lengths[0]}
        known = list(range(number, max(number - DEGREE, -1), -1))
        for skipped, length in zip(range(step + 1, end), lengths[1:], strict=True):
            line = series(tuple(float(full[k]) for k in known[:2]), float(skipped - step))
            left = LEFT_BY_REPAYING if end < len(sigmas) - 1 else 1.0
            parts = [(k, left * weight) for k, weight in zip(known, line, strict=False)]
            if left < 1:
                nodes = [number + 1, *known]
                shares = lagrange([places[full[k]] for k in nodes], places[skipped])
                parts += [(k, (1 - left) * share) for k, share in zip(nodes, shares, strict=True)]
            for k, weight in parts:
                row[k] = row.get(k, 0) + length * weight
        rows.append(torch.stack([torch.as_tensor(row.get(k, 0.0), dtype=sigmas.dtype) for k in range(len(full))]))
    return torch.stack(rows)


def _between(values: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
    """Values [J, N] at falling places, linear between them and held at the ends. values: [K, N] at places [K]."""
    left = (torch.searchsorted(-places, -wanted.detach(), right=True) - 1).clamp(0, len(places) - 2)
    share = ((places[left] - wanted) / (places[left] - places[left + 1])).clamp(0, 1)[:, None]
    return values[left] + share * (values[left + 1] - values[left])
