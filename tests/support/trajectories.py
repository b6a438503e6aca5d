"""Made-up trajectories of probes and targets, and histories that have seen some of their steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from tap_pack.tap_core.engine.history import History, Snapshot
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

Path = Callable[[float], Tensor]


def even_timeline(steps: int, axis: str = "step") -> Timeline:
    """Sigmas from 1 to 0 in equal steps."""
    return Timeline(tuple(1 - i / steps for i in range(steps + 1)), axis)


def shifted_sigmas(steps: int, shift: float = 3.0) -> list[float]:
    """Sigmas of a flow model with a shift: uneven steps from 1 to 0."""
    return [shift * s / (1 + (shift - 1) * s) for s in (1 - i / steps for i in range(steps + 1))]


def history_of(past: Sequence[float], probe: Path, target: Path | None = None) -> History:
    """A history with full steps at the positions `past`, newest first; probe and target: position -> [B, N, D]."""
    history = History(len(past))
    for position in reversed(past):
        history.push(Snapshot(position, probe(position), (target or probe)(position)))
    return history


def noise(shape: Sequence[int], seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Standard normal numbers that depend only on their seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def polynomial(coefficients: Sequence[Tensor], timeline: Timeline) -> Path:
    """sum_i coefficients[i] * x^i, x: the coordinate of a position."""
    return lambda position: sum(c * timeline.coordinate(position) ** i for i, c in enumerate(coefficients))


def realistic(shape: Sequence[int], roughness: float, dtype: torch.dtype, seed: int = 0) -> Path:
    """Tokens that each turn in their own plane, at 1e-3 to 1e-1 of their length in a step, with a little roughness.

    roughness: noise as a share of the change in one step.
    """
    tokens = shape[0] * shape[1]
    pace = torch.logspace(-3, -1, tokens).view(*shape[:2], 1)
    spin = torch.logspace(-2, 0, 7).repeat(tokens)[:tokens].view(*shape[:2], 1)  # radians a step
    start, ahead, aside = (noise(shape, seed + i, torch.float32) for i in range(3))

    def at(position: float) -> Tensor:
        turned = spin * position
        here = start.addcmul(ahead, pace / spin * turned.sin()).addcmul_(aside, pace / spin * (1 - turned.cos()))
        if roughness:
            here.addcmul_(noise(shape, 1000 + seed + round(100 * position), torch.float32), pace * roughness)
        return here.to(dtype)

    return at
