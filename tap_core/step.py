"""TAP's Algorithm 1, for one condition at one step: compute and remember, or probe, choose and forecast.

h: the probe, block 0's modulated input (Eq. 5). r: the target, what the blocks add (Eq. 6), or another one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .assemble import assemble
from .history import History, Snapshot
from .pool import Pool
from .scoring import proxy_losses
from .timeline import Timeline


@dataclass(frozen=True)
class Forecast:
    """One skipped step. target: [B, N, C]; choice: [B, N] pool member of each token; loss: [B, N] its proxy loss."""

    target: Tensor
    choice: Tensor
    loss: Tensor


def full_step(history: History, position: float, probe: Tensor, target: Tensor) -> None:
    """Remember what the blocks made of this step. probe: [B, N, D], target: [B, N, C]."""
    history.push(Snapshot(position, probe, target))


def skipped_step(
    history: History, position: float, probe: Tensor, pool: Pool, timeline: Timeline, proxy_loss: str
) -> Forecast:
    """Forecast every token's target by the predictor that does best on its probe [B, N, D]."""
    candidates = pool.candidates(history.positions, position, timeline)
    # Copied without waiting: a blocking copy to a GPU would hold Python until all earlier work is done.
    weights = torch.tensor(candidates.weights).to(probe.device, non_blocking=True)  # [P, K]
    members = torch.tensor(candidates.members, dtype=torch.int16).to(probe.device, non_blocking=True)

    losses = proxy_losses(history, probe, weights, proxy_loss)  # Eq. (7): [B, N, P]
    loss, best = losses.min(dim=-1)  # Eq. (8)
    target = assemble(history.targets, weights, best)  # Eq. (9)

    return Forecast(target, members[best], loss)
