"""TAP's Algorithm 1, for one condition at one step: compute and remember, or probe, choose and forecast.

h: the probe, block 0's modulated input (Eq. 5). r: the target, what the blocks add (Eq. 6), or another target.
"""

from dataclasses import dataclass

from torch import Tensor

from ..predictor import Moment
from ..predictors.pool import Pool
from ..timeline import Timeline
from ..token_grid import Grid
from .history import History, Snapshot
from .lineup import line_up
from .selector import Selector


@dataclass(frozen=True)
class Forecast:
    """One skipped step. target: [B, N, C]; choice: [B, N] pool member of each token; loss: [B, N] its proxy loss.

    order: [B, N] that member's, no higher than the history allows.
    """

    target: Tensor
    choice: Tensor
    order: Tensor
    loss: Tensor


def full_step(
    history: History, position: float, probe: Tensor, target: Tensor, finite: Tensor | None = None,
    expected: Forecast | None = None, away: bool = False,
) -> None:
    """Remember the result of a full step. probe: [B, N, D], target: [B, N, C]; finite: see Snapshot.

    expected: the forecast that a skip would have used; from it the history learns how far to trust later ones. away:
    whether the CPU keeps the result.
    """
    if expected is not None:
        history.trust.learn(history.targets[0], expected.target, target)
    snapshot = Snapshot(position, probe, target, finite)
    history.push(snapshot.moved_away() if away else snapshot)


def skipped_step(
    history: History, position: float, probe: Tensor, pool: Pool, timeline: Timeline, proxy_loss: str,
    selector: Selector | None = None, grid: Grid | None = None, truth: Tensor | None = None,
    share: Tensor | None = None, steady: Tensor | None = None,
) -> Forecast:
    """Forecast every token's target by the predictor that does best on its probe [B, N, D].

    selector: a choice other than the best. grid: frames, rows and columns of the tokens. truth: the true target
    [B, N, C], by which an oracle chooses; the losses are then mean square errors of the target. share: how much of
    the forecast's change from the newest target to take [B, N]; all of it if None. steady: see Lineup.steadily.
    """
    selector, past = selector or Selector(), history.positions
    moment = Moment(past, position, timeline.separating(past), history.probes, probe, grid)
    candidates = line_up(pool, history, moment)

    losses = candidates.losses(proxy_loss) if truth is None else candidates.errors(truth)  # Eq. (7): [B, N, P]
    if steady is not None and truth is None:
        losses = candidates.steadily(losses, steady)
    choice = selector.choose(losses, position)  # Eq. (8)
    target = candidates.forecast(choice, share)  # Eq. (9)

    member, order = candidates.who[choice.best].unbind(-1)
    return Forecast(target, member, order, choice.loss)
