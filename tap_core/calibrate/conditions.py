"""One condition of a trace and one target of it, as the pool forecasts it.

T steps, N tokens, C channels, S pasts (see rows) of K full steps, J steps to forecast behind each, P candidates.
h: probe.  r: target.  d: slope of the sampler, (x - denoised) / sigma.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..standing_still import stands_still
from ..trust import Trust
from .rows import Rows
from .trace import ConditionTrace, Trace

TOKENS, CHANNELS = 48, 16


@dataclass(frozen=True)
class Condition:
    """share: how much of the guided picture comes from it. gram: [T, T, N] dots of probes; target: [T, N, C].

    scale: [T] how much an error of the target is in the slope. trust: [T, N] how much of a forecast's change to take
    behind a full step at each step.
    """

    share: float
    gram: Tensor
    target: Tensor
    scale: Tensor
    trust: Tensor

    def weights(self, past: Tensor, steps: Tensor, candidates: Tensor, loss: str) -> Tensor:
        """Weights [S, J, N, K] of past targets in each token's forecast from its best candidate, trusted in part.

        past: [S, K]; steps: [S, J]; candidates: [S, J, P, K].
        """
        best = losses(self.gram, past, steps, candidates, loss).min(dim=2).indices  # [S, J, N]
        chosen = candidates.gather(2, best[..., None].expand(*best.shape, past.shape[1])).float()
        chosen *= self.trust[past[:, 0], None, :, None]
        chosen[..., 0] += 1 - self.trust[past[:, 0], None]
        return chosen


def losses(gram: Tensor, past: Tensor, steps: Tensor, candidates: Tensor, loss: str) -> Tensor:
    """Proxy loss [S, J, P, N] of each candidate, up to what all candidates share; l1 is judged as l2.

    gram: [T, T, N]; past: [S, K]; steps: [S, J]; candidates: [S, J, P, K].
    """
    pairs = gram[past[:, :, None], past[:, None, :]].flatten(1, 2)  # [S, K * K, N]
    products = (candidates[..., None] * candidates[..., None, :]).flatten(3)  # [S, J, P, K * K]
    square = (products.flatten(1, 2) @ pairs).unflatten(1, candidates.shape[1:3])  # |p|^2
    lean = candidates @ gram[past[:, None, :], steps[:, :, None]]  # <p, h>
    if loss == "cosine":
        return -lean * square.clamp_min(1e-30).rsqrt()
    return square - 2 * lean


def learned_trust(condition: Condition, full: Sequence[int], rows: Rows, loss: str) -> Tensor:
    """Trust [T, N] as a run with these full steps learns it, by foreseeing each of them from those before."""
    trust, learned = Trust(), torch.ones_like(condition.trust)
    untrusting = replace(condition, trust=torch.ones_like(learned))
    for number in range(2, len(full)):
        past, step = tuple(reversed(full[:number]))[: rows.snapshots], full[number]
        ahead = step - past[0]
        candidates = rows.at([past], range(ahead, ahead + 1))
        weights = untrusting.weights(torch.tensor([past]), torch.tensor([[step]]), candidates, loss)
        foreseen = torch.einsum("nk,knc->nc", weights[0, 0], condition.target[list(past)])
        trust.learn(condition.target[past[0]][None], foreseen[None], condition.target[step][None])
        learned[step:] = trust.share
    return learned


def prepared(condition: ConditionTrace, trace: Trace) -> list[Condition]:
    """What of a condition's trace the search looks at, by target; as yet all forecasts are trusted in full."""
    probe = condition.probe[:, _few(condition.probe.shape[1], TOKENS)].double().transpose(0, 1)
    gram = (probe @ probe.transpose(1, 2)).permute(1, 2, 0).contiguous()
    found = []
    for target, scale in _what_is_forecast(condition, trace):
        few = target[:, _few(target.shape[1], TOKENS)][..., _few(target.shape[2], CHANNELS)]
        found.append(Condition(condition.share, gram, few, scale, torch.ones(few.shape[:2])))
    return found


def _few(size: int, most: int) -> Tensor:
    """At most so many of the indices, evenly spread."""
    return torch.linspace(0, size - 1, min(size, most)).round().long()


def _what_is_forecast(condition: ConditionTrace, trace: Trace) -> list[tuple[Tensor, Tensor]]:
    """Targets [T, N, C], and how much an error of each is in the slope [T].

    auto holds the denoised picture and the slope; where a sampler adds noise both are used, else the slope alone.
    """
    of_picture = -1 / torch.tensor(trace.sigmas[:-1]).clamp_min(1e-6)
    if trace.target == "denoised":
        return [(condition.target, of_picture)]
    ones = torch.ones(trace.steps)
    if trace.target != "auto":
        return [(condition.target, ones * _scale(condition, trace))]
    picture, slope = condition.target.chunk(2, dim=-1)
    still = stands_still(trace.sigmas) if trace.noisy else 0.0
    parts = [(slope, (1 - still) * ones), (picture, still * of_picture)]
    return [(target, scale) for target, scale in parts if scale.any()]


def _scale(condition: ConditionTrace, trace: Trace) -> float:
    """How much the slope changes where the target changes by one."""
    changes = [(d, r) for d, r in zip(trace.moved, condition.moved, strict=False) if r > 0]
    return math.sqrt(sum(d * d for d, _ in changes) / sum(r * r for _, r in changes)) if changes else 1.0
