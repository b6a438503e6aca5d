"""What the pool, with its choice per token, would leave in the picture between two full steps.

T steps, N tokens, C channels, S pasts (see rows), J steps ahead of the newest full one.
d: slope of the sampler, (x - denoised) / sigma.  e_j: error of the forecast slope at step j.
w_j: step j in sigma, as far as it counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from ..drift import DEGREE
from ..noise_level import log_noise, mixes, noise_level
from .conditions import learned_trust, prepared
from .rows import Past, Rows
from .trace import Trace

PASTS_AT_ONCE = 48
# The share of the drift that repaying it leaves: the later steps of a gap and the full step behind it were taken at
# an x that had drifted. Measured on three models, see bench/README.md.
LEFT_BY_REPAYING = 0.3


def weight_of(sigma: float, mixed: bool) -> float:
    """How much an error in x at this sigma counts.

    Errors of the first steps decide what the picture becomes, and grow; measured on the demo model, bench/README.md.
    mixed: whether x is a mix of picture and noise; else noise is added to it, and x is larger by 1 + sigma.
    """
    counts = 0.8 + 0.7 * noise_level(sigma, mixed) ** 8
    return counts if mixed else counts / (1 + sigma)


class GapErrors:
    """Mean square errors that gaps between full steps leave in one trace's picture.

    repaid: whether the run will repay its drift.
    """

    def __init__(self, trace: Trace, rows: Rows, loss: str, repaid: bool = True) -> None:
        self.trace, self.loss, self._rows = trace, loss, rows
        self._left = LEFT_BY_REPAYING if repaid and trace.plain and trace.target != "denoised" else 1.0
        self._conditions = [prepared(condition, trace) for condition in trace.conditions]
        self._slope = sum(c.share * c.scale[:, None, None] * c.target for c in self._conditions)
        mixed, sigmas = mixes(trace.sigmas), trace.sigmas
        weights = [(after - sigma) * weight_of(sigma, mixed) for sigma, after in pairwise(sigmas)]
        self._weights = torch.tensor([*weights, 0.0])  # the last one stands for all that is beyond the end
        self._places = torch.tensor([log_noise(sigma, mixed) for sigma in sigmas], dtype=torch.float64)

    def learn_trust(self, full: Sequence[int]) -> None:
        """From here on trust forecasts as far as a run with these full steps would learn to, see `trust`."""
        self._conditions = [replace(condition, trust=learned_trust(condition, full, self._rows, self.loss))
                            for condition in self._conditions]

    def along(self, full: Sequence[int]) -> float:
        """What all the gaps of one placement add up to."""
        total, steps = 0.0, self.trace.steps
        for number, (step, after) in enumerate(pairwise([*full, steps])):
            past = tuple(reversed(full[: number + 1]))[: self._rows.snapshots]
            total += float(self.of([past], after - step - 1)[0, -1])
        return total

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
        shares = interpolated(self._places[nodes], self._places[steps], weights.double()).float()
        interpolation = torch.einsum("sk,sknc->snc", shares, self._slope[nodes]) - true
        repays = ((after < self.trace.steps) & shares.isfinite().all(dim=1))[:, None, None]
        return torch.where(repays, interpolation + self._left * (forecast - interpolation), forecast)

    def _error(self, past: Tensor, step: Tensor, weights: Tensor) -> Tensor:
        """e_j [S, N, C] after guidance, of each past at its step."""
        return sum(condition.share * condition.scale[step][:, None, None]
                   * (condition.forecast(past, step, weights, self.loss) - condition.target[step])
                   for condition in self._conditions)


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
