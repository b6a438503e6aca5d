"""The candidates of one condition at one skipped step: weight rows and explicit predictors together.

P candidates: first the weight rows, then the explicit predictors that are ready.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..predictor import ExplicitPredictor, Moment
from ..predictors.on_processor import to_device
from ..predictors.pool import Pool
from ..predictors.taylor import Taylor
from .assemble import assemble
from .explicit import explicit_losses, put_explicit
from .history import History, Snapshot
from .scoring import proxy_losses
from .selector import Choice

# A proxy loss that no candidate has; finite, as it is multiplied by 0.
SHORT = 1e30


@dataclass(frozen=True)
class Lineup:
    """weights: [P', K] rows; explicit: the others. who: [P, 2] the pool index of each candidate, and its order.

    changes: [P', K] rows of the change from the newest snapshot, the first weight is less by 1. short: [P'], see
    `steadily`; some_short: whether it has more than zeros. stand_in: whether the only row is a repeat that is not in
    the pool, see pool.Candidates.
    """

    history: History
    moment: Moment
    weights: Tensor
    changes: Tensor
    short: Tensor
    who: Tensor
    explicit: list[ExplicitPredictor]
    stand_in: bool
    some_short: bool

    def losses(self, loss: str) -> Tensor:
        """Loss [B, N, P] of each candidate's forecast of the probe, TAP Eq. (7)."""
        return self._losses(self.history, self.moment.probe, loss)

    def errors(self, truth: Tensor) -> Tensor:
        """Mean square error [B, N, P] of each candidate's forecast of the true target [B, N, C]."""
        targets = History(self.history.length)
        targets.snapshots = [Snapshot(s.position, s.target, s.target) for s in self.history.snapshots]
        return self._losses(targets, truth, "l2")

    def steadily(self, losses: Tensor, steady: Tensor) -> Tensor:
        """The losses [B, N, P] of steady pictures so that no token takes a forecast that stops short.

        steady: [B], 1 or 0. Repeats and shorter horizons suit slopes that turn back; where they go on steadily, such
        forecasts are chosen by small differences of the probe, and are farther off (bench/orders/README.md).
        """
        if not self.some_short:
            return losses
        return losses.addcmul(to_device(steady, losses.device)[:, None, None], self.short)

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
    short = _short(pool, candidates.members)
    tables = _on_device(torch.tensor(candidates.weights), torch.tensor(short), torch.tensor(who, dtype=torch.int16),
                        moment.probe.device)
    return Lineup(history, moment, *tables, [pool.members[i] for i in ready], candidates.stand_in, any(short))


def _short(pool: Pool, members: Sequence[int]) -> list[float]:
    """A loss for each candidate that stops short of the asked step; 0 for all where no other is there.

    Measured for Taylor predictors: in a pool with others none has one.
    """
    taylor = all(isinstance(member, Taylor) for member in pool.members)
    short = [pool.members[i].order == 0 or pool.members[i].horizon != 0 for i in members]
    return [SHORT * (stops and taylor and not all(short)) for stops in short]


def _on_device(
    weights: Tensor, short: Tensor, who: Tensor, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The rows [P', K], those of the change [P', K], short [P'] and who [P, 2] made each, in one copy."""
    count = weights.shape[1]
    changes = torch.cat([weights[:, :1] - 1, weights[:, 1:]], dim=1)
    rows = functional.pad(torch.cat([weights, changes, short[:, None]], dim=1), (0, 0, 0, len(who) - len(weights)))
    table = torch.cat([rows, who.view(torch.float32)], dim=1)  # two short numbers in the bits of one
    # Copied without waiting: with a blocking copy to a GPU, Python waits until all earlier work is done.
    table = table.to(device, non_blocking=True)
    weights, changes, short, _ = table[: len(weights)].split([count, count, 1, 1], dim=1)
    return weights, changes, short[:, 0], table[:, -1:].view(torch.int16)
