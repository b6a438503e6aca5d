"""What the pool, with its choice per token, would add to the sample between two full steps.

T steps, N tokens, C channels, S pasts (see rows), J steps ahead of the newest full one.
h: probe.  r: target.  d: slope of the sampler, (x - denoised) / sigma.  e_j: error of the forecast slope at step j.
g: how much of an error made at a noise level is left in the picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .rows import Past, Rows
from .trace import ConditionTrace, Trace

TOKENS, CHANNELS = 96, 16
PASTS_AT_ONCE = 48


def noise_level(sigma: float, flow: bool) -> float:
    """From 0 for the picture to 1 for all noise."""
    return sigma if flow else sigma / (1 + sigma)


def weight_of(sigma: float, flow: bool) -> float:
    """g at this sigma. Errors of the first steps decide what the picture becomes, those of the last ones fade.

    Measured on the demo model: single gaps at all places of the run, CFG 1 and 2; see bench/README.md.
    """
    growth = 0.6 + 1.4 * noise_level(sigma, flow) ** 8
    return growth if flow else growth / (1 + sigma)


@dataclass(frozen=True)
class _Condition:
    """share; gram: [N, T, T] dots of probes; slope: [T, N, C] what the target says of the slope."""

    share: float
    gram: Tensor
    slope: Tensor


class GapErrors:
    """Mean square errors that gaps between full steps leave in one trace's picture."""

    def __init__(self, trace: Trace, rows: Rows, loss: str) -> None:
        self.trace, self.loss, self._rows = trace, loss, rows
        self._conditions = [_prepared(condition, trace) for condition in trace.conditions]
        flow, sigmas = max(trace.sigmas) <= 1, trace.sigmas
        self._steps = torch.tensor(
            [(after - sigma) * weight_of(sigma, flow) for sigma, after in pairwise(sigmas)],
            dtype=torch.float32,
        )

    def of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """[S, J + 1]: entry j is the mean square of sum g * (sigma_{i+1} - sigma_i) * e_i over j skipped steps.

        pasts: of equal length. Entries beyond the end of the run repeat the last one.
        """
        parts = [pasts[i : i + PASTS_AT_ONCE] for i in range(0, len(pasts), PASTS_AT_ONCE)]
        return torch.cat([self._of(part, ahead) for part in parts])

    def _of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        past = torch.tensor(pasts)
        total, errors = 0, [torch.zeros(len(pasts))]
        for j in range(1, ahead + 1):
            step = (past[:, 0] + j).clamp(max=self.trace.steps - 1)
            inside = past[:, 0] + j < self.trace.steps
            error = self._error(past, step, self._rows.at(pasts, j))
            total = total + error * (self._steps[step] * inside)[:, None, None]
            errors.append(total.square().mean(dim=(1, 2)))
        return torch.stack(errors, dim=1)

    def _error(self, past: Tensor, step: Tensor, weights: Tensor) -> Tensor:
        """e_j [S, N, C] after guidance, of each past at its step."""
        error = 0
        for condition in self._conditions:
            choice = losses(condition.gram, past, step, weights, self.loss).argmin(dim=1)  # [S, N]
            chosen = weights.float()[torch.arange(len(past))[:, None], choice]  # [S, N, K]
            forecast = torch.einsum("snk,sknc->snc", chosen, condition.slope[past])
            error = error + condition.share * (forecast - condition.slope[step])
        return error


def losses(gram: Tensor, past: Tensor, step: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Proxy loss [S, P, N] of each candidate, up to what all candidates share; l1 is judged as l2.

    gram: [N, T, T]; past: [S, K]; step: [S]; weights: [S, P, K].
    """
    tokens = gram.permute(1, 2, 0)
    pairs = tokens[past[:, :, None], past[:, None, :]].flatten(1, 2)  # [S, K * K, N]
    square = (weights[..., None] * weights[..., None, :]).flatten(2) @ pairs  # |p|^2
    lean = weights @ tokens[past, step[:, None]]  # <p, h>
    if loss == "cosine":
        return -lean / square.clamp_min(1e-30).sqrt()
    return square - 2 * lean


def _prepared(condition: ConditionTrace, trace: Trace) -> _Condition:
    probe, slope = (part[:, _few(part.shape[1], TOKENS)] for part in (condition.probe, _slope(condition, trace)))
    probe = probe.double().transpose(0, 1)
    return _Condition(condition.share, probe @ probe.transpose(1, 2), slope[..., _few(slope.shape[2], CHANNELS)])


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
