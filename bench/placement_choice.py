"""How well the probe chooses: rank correlation with the true error, and how much of an oracle's gain is realised.

Every skipped step is computed as well, so that the true error of every candidate is known; the picture goes on from
what TAP chose.  Loss [B, N, P]: proxy loss of each candidate; error [B, N, P]: mean square error of its forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import mean

from torch import Tensor


@dataclass
class Fidelity:
    """What was seen at skipped steps. correlation: Spearman's, over the candidates of a token, mean over tokens.

    chosen, fixed, oracle: mean true error of TAP's choice, of the best single candidate, of the best one per token.
    """

    correlation: list[float] = field(default_factory=list)
    chosen: list[float] = field(default_factory=list)
    fixed: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)

    def see(self, loss: Tensor, error: Tensor) -> None:
        """One skipped step of one condition."""
        if loss.shape[-1] < 3:
            return
        self.correlation.append(rank_correlation(loss, error))
        self.chosen.append(float(error.gather(-1, loss.argmin(-1, keepdim=True)).mean()))
        self.fixed.append(float(error.mean(dim=(0, 1)).min()))
        self.oracle.append(float(error.min(dim=-1).values.mean()))

    def summary(self) -> dict[str, float]:
        """Means over the steps; realised: 1 where the choice is the oracle's, 0 where one candidate does as well."""
        chosen, fixed, oracle = mean(self.chosen), mean(self.fixed), mean(self.oracle)
        return {"rank_correlation": mean(self.correlation), "error_chosen": chosen, "error_best_fixed": fixed,
                "error_oracle": oracle, "realised": (fixed - chosen) / (fixed - oracle)}


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, over the last dimension, mean over the others; equal values share a rank."""
    ranks = [mean_ranks(part) for part in (one, other)]
    a, b = (rank - rank.mean(dim=-1, keepdim=True) for rank in ranks)
    length = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return float(((a * b).sum(-1) / length.clamp_min(1e-12)).mean())


def mean_ranks(values: Tensor) -> Tensor:
    """Ranks [.., P] of values [.., P]."""
    below = (values[..., None] > values[..., None, :]).sum(-1)
    equal = (values[..., None] == values[..., None, :]).sum(-1)
    return below + (equal - 1) / 2


@contextmanager
def watched(fidelity: Fidelity) -> Iterator[None]:
    """Runs whose selection is the oracle show what they see to `fidelity`, and choose by the probe."""
    from tap_pack.tap_core import run, step
    from tap_pack.tap_core.selector import Selector

    stock: Callable = step.skipped_step
    line_up = step.line_up

    def watching(*args: object, **kwargs: object) -> object:
        history, position, probe, pool, timeline, loss = args[:6]
        truth = args[8]
        moment = step.Moment(history.positions, position, timeline.separating(history.positions), history.probes, probe)
        lineup = line_up(pool, history, moment)
        fidelity.see(lineup.losses(loss), lineup.errors(truth))
        return stock(*args[:6], Selector(), args[7], None)

    run.skipped_step = watching
    try:
        yield
    finally:
        run.skipped_step = stock
