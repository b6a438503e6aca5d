"""The candidates of one condition at one skipped step: weight rows and explicit predictors together.

P candidates: first the weight rows, then the explicit predictors that are ready.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..predictor import ExplicitPredictor, Moment
from ..predictors.pool import Pool
from .assemble import assemble
from .explicit import explicit_losses, put_explicit
from .history import History, Snapshot
from .scoring import proxy_losses
from .selector import Choice


@dataclass(frozen=True)
class Lineup:
    """weights: [P', K] rows; explicit: the others. who: [P, 2] the pool index of each candidate, and its order.

    changes: [P', K] rows of the change from the newest snapshot, the first weight is less by 1. stand_in: whether the
    only row is a repeat that is not in the pool, see pool.Candidates.
    """

    history: History
    moment: Moment
    weights: Tensor
    changes: Tensor
    who: Tensor
    explicit: list[ExplicitPredictor]
    stand_in: bool

    def losses(self, loss: str) -> Tensor:
        """Loss [B, N, P] of each candidate's forecast of the probe, TAP Eq. (7)."""
        return self._losses(self.history, self.moment.probe, loss)

    def errors(self, truth: Tensor) -> Tensor:
        """Mean square error [B, N, P] of each candidate's forecast of the true target [B, N, C]."""
        targets = History(self.history.length)
        targets.snapshots = [Snapshot(s.position, s.target, s.target) for s in self.history.snapshots]
        return self._losses(targets, truth, "l2")

    def forecast(self, choice: Choice, share: Tensor | None = None) -> Tensor:
        """Target [B, N, C] of every token from the candidate that it chose, TAP Eq. (9), or from two of them.

        share: [B, N], how much of the forecast's change from the newest target to take; all of it if None.
        """
        target = self._forecast(choice.best, share)
        if choice.second is None:
            return target
        mixed = target.lerp(self._forecast(choice.second, share), choice.share[..., None].to(target))
        return torch.where(mixed.isfinite(), mixed, target)

    def _losses(self, stream: History, truth: Tensor, loss: str) -> Tensor:
        losses = proxy_losses(stream, truth, self.weights, loss)
        if not self.explicit:
            return losses
        if self.stand_in:
            losses.fill_(torch.inf)
        return torch.cat([losses, explicit_losses(self.explicit, stream.probes, truth, self.moment, loss)], dim=-1)

    def _forecast(self, index: Tensor, share: Tensor | None) -> Tensor:
        targets, rows = self.history.targets, self.weights if share is None else self.changes
        if not self.explicit:
            return assemble(targets, rows, index, share)
        target = assemble(targets, rows, index.where(index < len(rows), 0), share)
        return put_explicit(target, self.explicit, targets, self.moment, index - len(rows), share)


def line_up(pool: Pool, history: History, moment: Moment) -> Lineup:
    """The distinct candidates of a pool at this moment."""
    candidates, ready = pool.candidates(moment.past, moment.position, moment.timeline), pool.ready(moment)
    highest = len(history.snapshots) - 1
    who = [(i, min(pool.members[i].order, highest)) for i in (*candidates.members, *ready)]
    tables = _on_device(torch.tensor(candidates.weights), torch.tensor(who, dtype=torch.int16), moment.probe.device)
    return Lineup(history, moment, *tables, [pool.members[i] for i in ready], candidates.stand_in)


def _on_device(weights: Tensor, who: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The rows [P', K], those of the change [P', K], and who [P, 2] made each, in one copy."""
    count = weights.shape[1]
    changes = torch.cat([weights[:, :1] - 1, weights[:, 1:]], dim=1)
    rows = functional.pad(torch.cat([weights, changes], dim=1), (0, 0, 0, len(who) - len(weights)))
    table = torch.cat([rows, who.view(torch.float32)], dim=1)  # two short numbers in the bits of one
    # Copied without waiting: with a blocking copy to a GPU, Python waits until all earlier work is done.
    table = table.to(device, non_blocking=True)
    weights, changes = table[: len(weights)].split([count, count, 1], dim=1)[:2]
    return weights, changes, table[:, -1:].view(torch.int16)
