"""One condition of a trace, as the pool forecasts it.

T steps, N tokens, C channels, S pasts (see rows) of K full steps, J steps to forecast after each, P candidates.
h: probe.  r: target.  d: slope of the sampler, (x - denoised) / sigma.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..sampling.still_share import still_share
from .trace import ConditionTrace, Trace

TOKENS, CHANNELS = 32, 16


@dataclass(frozen=True)
class Part:
    """One target of a condition. target: [T, N, C]; scale: [T] an error in the guided slope per error in the target."""

    target: Tensor
    scale: Tensor


@dataclass(frozen=True)
class Condition:
    """gram: [T, T, N] dots of probes."""

    gram: Tensor
    parts: tuple[Part, ...]

    def best(self, past: Tensor, steps: Tensor, candidates: Tensor, loss: str) -> Tensor:
        """Weights [S, J, N, K] of past targets in the forecast from each token's best candidate.

        past: [S, K]; steps: [S, J]; candidates: [S, J, P, K].
        """
        best = agreement(self.gram, past, steps, candidates, loss).max(dim=2).indices  # [S, J, N]
        return candidates.gather(2, best[..., None].expand(*best.shape, past.shape[1]))


def agreement(gram: Tensor, past: Tensor, steps: Tensor, candidates: Tensor, loss: str) -> Tensor:
    """Minus the proxy loss [S, J, P, N] of each candidate, without the part that all share; l1 is computed as l2.

    From dots in float32, which tell candidates apart down to 1 - cos of 1e-6; the engine's dots go below that.

    gram: [T, T, N]; past: [S, K]; steps: [S, J]; candidates: [S, J, P, K].
    """
    pairs = gram[past[:, :, None], past[:, None, :]].flatten(1, 2)  # [S, K * K, N]
    products = (candidates[..., None] * candidates[..., None, :]).flatten(3)  # [S, J, P, K * K]
    square = (products.flatten(1, 2) @ pairs).unflatten(1, candidates.shape[1:3])  # |p|^2
    lean = candidates @ gram[past[:, None, :], steps[:, :, None]]  # <p, h>
    if loss == "cosine":
        return lean.mul_(square.clamp_min_(1e-30).rsqrt_())
    return lean.mul_(2).sub_(square)


def prepared(condition: ConditionTrace, trace: Trace) -> Condition:
    """The part of a condition's trace that the search looks at."""
    probe = condition.probe[:, few(condition.probe.shape[1], TOKENS)].transpose(0, 1)
    gram = (probe @ probe.transpose(1, 2)).permute(1, 2, 0).contiguous()
    parts = [(_some(target), scale) for target, scale in what_is_forecast(condition, trace)]
    return Condition(gram, tuple(Part(target.contiguous(), condition.share * scale) for target, scale in parts))


def few(size: int, most: int) -> Tensor:
    """At most `most` of the indices below `size`, evenly spread."""
    return torch.linspace(0, size - 1, min(size, most)).round().long()


def what_is_forecast(condition: ConditionTrace, trace: Trace) -> Sequence[tuple[Tensor, Tensor]]:
    """Targets [T, N, C], and the error in the slope per error in each of them [T].

    auto holds the denoised picture and the slope; where a sampler adds noise both are used, else only the slope.
    """
    of_picture = -1 / torch.tensor(trace.sigmas[:-1]).clamp_min(1e-6)
    if trace.target == "denoised":
        return [(condition.target, of_picture)]
    ones = torch.ones(trace.steps)
    if trace.target != "auto":
        return [(condition.target, ones * _scale(trace))]
    picture, slope = condition.target.chunk(2, dim=-1)
    still = still_share(trace.mixed) if trace.noisy else 0.0
    parts = [(slope, (1 - still) * ones), (picture, still * of_picture)]
    return [(target, scale) for target, scale in parts if scale.any()]


def _scale(trace: Trace) -> float:
    """Change of the slope per change of the guided targets, of a few tokens and channels."""
    guided = sum(condition.share * _some(condition.target) for condition in trace.conditions)
    changes = guided.diff(dim=0).abs().mean(dim=(1, 2)).tolist()
    pairs = [(d, r) for d, r in zip(trace.moved, changes, strict=False) if r > 0]
    return math.sqrt(sum(d * d for d, _ in pairs) / sum(r * r for _, r in pairs)) if pairs else 1.0


def _some(target: Tensor) -> Tensor:
    return target[:, few(target.shape[1], TOKENS)][..., few(target.shape[2], CHANNELS)]
