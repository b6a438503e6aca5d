"""What the pool, with its choice per token, would leave in the picture between two full steps.

T steps, N tokens, C channels, S pasts (see rows), J steps ahead of the newest full one.
h: probe.  r: target.  d: slope of the sampler, (x - denoised) / sigma.  e_j: error of the forecast slope at step j.
w_j: step j in sigma, as far as it counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..drift import DEGREE
from .rows import Past, Rows
from .trace import ConditionTrace, Trace

TOKENS, CHANNELS = 64, 16
PASTS_AT_ONCE = 48
# The share of the drift that repaying it leaves: the later steps of a gap and the full step behind it were taken at
# an x that had drifted. Measured on the demo model, see bench/README.md.
LEFT_BY_REPAYING = 0.5


def weight_of(sigma: float, flow: bool) -> float:
    """How much an error in x at this sigma counts.

    Errors of the first steps decide what the picture becomes, and grow; measured on the demo model, bench/README.md.
    flow: whether x is a mix of picture and noise; else noise is added to it, and x is larger by 1 + sigma.
    """
    level = sigma if flow else sigma / (1 + sigma)
    counts = 0.8 + 0.7 * level**8
    return counts if flow else counts / (1 + sigma)


@dataclass(frozen=True)
class _Condition:
    """share; gram: [T, T, N] dots of probes; slope: [T, N, C] what the target says of the slope."""

    share: float
    gram: Tensor
    slope: Tensor


class GapErrors:
    """Mean square errors that gaps between full steps leave in one trace's picture.

    repaid: whether the run will repay its drift.
    """

    def __init__(self, trace: Trace, rows: Rows, loss: str, repaid: bool = True) -> None:
        self.trace, self.loss, self._rows = trace, loss, rows
        self._left = LEFT_BY_REPAYING if repaid and trace.plain else 1.0
        self._conditions = [_prepared(condition, trace) for condition in trace.conditions]
        self._slope = sum(condition.share * condition.slope for condition in self._conditions)
        flow, sigmas = max(trace.sigmas) <= 1, trace.sigmas
        weights = [(after - sigma) * weight_of(sigma, flow) for sigma, after in pairwise(sigmas)]
        self._weights = torch.tensor([*weights, 0.0])  # the last one stands for all that is beyond the end
        self._sigmas = torch.tensor(sigmas, dtype=torch.float64)

    def of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """[S, J + 1]: entry j is the mean square error that j skipped steps leave. pasts: of equal length.

        Entries beyond the end of the run repeat the last one.
        """
        parts = [pasts[i : i + PASTS_AT_ONCE] for i in range(0, len(pasts), PASTS_AT_ONCE)]
        return torch.cat([self._of(part, ahead) for part in parts])

    def _of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        past, last = torch.tensor(pasts), self.trace.steps - 1
        forecast, true, found = 0, 0, [torch.zeros(len(pasts))]
        for j in range(1, ahead + 1):
            beyond = past[:, 0] + j > last
            step = (past[:, 0] + j).clamp(max=last)
            weight = self._weights[torch.where(beyond, -1, step)][:, None, None]
            forecast = forecast + weight * self._error(past, step, self._rows.at(pasts, j))
            true = true + weight * self._slope[step]
            found.append(self._left_by(past, j, forecast, true).square().mean(dim=(1, 2)))
        return torch.stack(found, dim=1)

    def _left_by(self, past: Tensor, skipped: int, forecast: Tensor, true: Tensor) -> Tensor:
        """The error [S, N, C] that is left of sum w_j e_j, once the next full step has repaid what it can.

        forecast: sum w_j e_j; true: sum w_j d_j. Repaid is the difference from the interpolated slopes.
        """
        if self._left == 1:
            return forecast
        after = past[:, 0] + skipped + 1
        nodes = torch.cat([after.clamp(max=self.trace.steps - 1)[:, None], past[:, :DEGREE]], dim=1)
        weights = torch.stack([self._weights[:-1][(past[:, 0] + i).clamp(max=self.trace.steps - 1)]
                               for i in range(1, skipped + 1)], dim=1)
        steps = torch.stack([past[:, 0] + i for i in range(1, skipped + 1)], dim=1).clamp(max=self.trace.steps - 1)
        shares = interpolated(self._sigmas[nodes], self._sigmas[steps], weights.double()).float()
        interpolation = torch.einsum("sk,sknc->snc", shares, self._slope[nodes]) - true
        repays = ((after < self.trace.steps) & shares.isfinite().all(dim=1))[:, None, None]
        return torch.where(repays, interpolation + self._left * (forecast - interpolation), forecast)

    def _error(self, past: Tensor, step: Tensor, weights: Tensor) -> Tensor:
        """e_j [S, N, C] after guidance, of each past at its step."""
        error = 0
        for condition in self._conditions:
            choice = losses(condition.gram, past, step, weights, self.loss).argmin(dim=-1)  # [S, N]
            chosen = weights.float()[torch.arange(len(past))[:, None], choice]  # [S, N, K]
            forecast = torch.einsum("snk,sknc->snc", chosen, condition.slope[past])
            error = error + condition.share * (forecast - condition.slope[step])
        return error


def interpolated(nodes: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Weight [S, K] of each node's value in the weighted sum of values interpolated at the places, as in drift.

    nodes: [S, K] and places: [S, J] sigmas; weights: [S, J]. Not finite where nodes coincide.
    """
    shares = []
    for k in range(nodes.shape[1]):
        basis = weights
        for other in range(nodes.shape[1]):
            if other != k:
                basis = basis * (places - nodes[:, other, None]) / (nodes[:, k] - nodes[:, other])[:, None]
        shares.append(basis.sum(dim=1))
    return torch.stack(shares, dim=1)


def losses(gram: Tensor, past: Tensor, step: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Proxy loss [S, N, P] of each candidate, up to what all candidates share; l1 is judged as l2.

    gram: [T, T, N]; past: [S, K]; step: [S]; weights: [S, P, K].
    """
    pairs = gram[past[:, :, None], past[:, None, :]].flatten(1, 2)  # [S, K * K, N]
    products = (weights[..., None] * weights[..., None, :]).flatten(2)
    square = pairs.transpose(1, 2) @ products.transpose(1, 2)  # |p|^2
    lean = gram[past, step[:, None]].transpose(1, 2) @ weights.transpose(1, 2)  # <p, h>
    if loss == "cosine":
        return -lean * square.clamp_min(1e-30).rsqrt()
    return square - 2 * lean


def _prepared(condition: ConditionTrace, trace: Trace) -> _Condition:
    probe, slope = (part[:, _few(part.shape[1], TOKENS)] for part in (condition.probe, _slope(condition, trace)))
    probe = probe.double().transpose(0, 1)
    gram = (probe @ probe.transpose(1, 2)).permute(1, 2, 0).contiguous()
    return _Condition(condition.share, gram, slope[..., _few(slope.shape[2], CHANNELS)])


def _few(size: int, most: int) -> Tensor:
    """At most so many of the indices, evenly spread."""
    return torch.linspace(0, size - 1, min(size, most)).round().long()


def _slope(condition: ConditionTrace, trace: Trace) -> Tensor:
    """What the target [T, N, C] says of the slope, in its units.

    auto holds the denoised picture and the slope, of which a sampler that adds noise leaves the picture to be forecast.
    """
    target = condition.target
    if trace.target == "auto":
        denoised, slope = target.chunk(2, dim=-1)
        target = denoised if trace.noisy else slope
        if not trace.noisy:
            return target
    if trace.target in ("auto", "denoised"):
        return target / torch.tensor(trace.sigmas[:-1])[:, None, None].clamp_min(1e-6)
    return target * _scale(condition, trace)


def _scale(condition: ConditionTrace, trace: Trace) -> float:
    """How much the slope changes where the target changes by one."""
    changes = [(d, r) for d, r in zip(trace.moved, condition.moved, strict=False) if r > 0]
    return math.sqrt(sum(d * d for d, _ in changes) / sum(r * r for _, r in changes)) if changes else 1.0
