"""What the pool, with its choice per token, would leave in the picture between two full steps, and how it drifts there.

T steps, N tokens, C channels, S pasts (see rows), J steps ahead of the newest full one, K full steps looked back at.
d: slope of the sampler, (x - denoised) / sigma.  w_j: step j in sigma, times its weight; for
drifts in noise level, without one.
f_j: sum of w d over the first j skipped steps as forecast.  i_j: the same, interpolated with the full step after them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..noise_level import log_noise, noise_level
from ..predictors.lagrange import lagrange
from ..sampling.drifts import NOT_REPAID, ONE_STEP, REPAID, UNDER_NOISE
from ..sampling.interpolation import DEGREE, spaced
from .conditions import prepared
from .rows import Past, Rows, portions
from .trace import Trace
from .trust_tables import past_of, trust_tables

# The share of the drift that is left after repaying it: the later steps of a gap and the full step after it were
# computed at an x that had drifted. Measured on three models, see bench/calibration/README.md.
LEFT_BY_REPAYING = 0.3
TINY = 1e-30


def weight_of(sigma: float, mixed: bool) -> float:
    """How much an error in x at this sigma counts.

    Errors of the first steps decide the picture, and they grow; measured in bench/calibration/README.md.
    mixed: whether x is a mix of picture and noise; if not, noise is added to it, and x is 1 + sigma times as large.
    """
    counts = 0.8 + 0.7 * noise_level(sigma, mixed) ** 8
    return counts if mixed else counts / (1 + sigma)


@dataclass(frozen=True)
class ClosedGap:
    """Steps that are skipped behind the full steps of its past. nodes: full steps, newest first, through which a run
    re-estimates them. alone: whether only the first step was full before it.
    """

    past: Past
    skipped: int
    nodes: tuple[int, ...]
    alone: bool


class GapErrors:
    """Mean square errors that gaps between full steps leave in one trace's picture.

    repaid: whether the run will repay its drift.
    """

    def __init__(self, trace: Trace, rows: Rows, loss: str, repaid: bool = True) -> None:
        self.trace, self.loss, self._rows = trace, loss, rows
        # Of forecast pictures the slopes are known but for what x itself adds to them.
        self._slopes_known = not trace.noisy and trace.target != "denoised"
        self._repays = repaid and self._slopes_known
        self._counts = NOT_REPAID if not repaid else UNDER_NOISE if trace.noisy else REPAID
        self._conditions = [prepared(condition, trace) for condition in trace.conditions]
        self._parts = [part for condition in self._conditions for part in condition.parts]
        self._trust = [torch.ones(part.target.shape[:2]) for part in self._parts]
        self._slope = sum(part.scale[:, None, None] * part.target for part in self._parts)
        mixed, sigmas = trace.mixed, trace.sigmas
        self._weights = torch.tensor([(after - sigma) * weight_of(sigma, mixed) for sigma, after in pairwise(sigmas)])
        # An error in the slope is 1 + sigma times as large in that of the mix, where x is none.
        self._ways = torch.tensor([(noise_level(after, mixed) - noise_level(sigma, mixed)) * (1 if mixed else 1 + sigma)
                                   for sigma, after in pairwise(sigmas)])
        self._places = torch.tensor([log_noise(sigma, mixed) for sigma in sigmas[:-1]], dtype=torch.float64)
        self._moved = (self._weights[:, None, None] * self._slope).cumsum(dim=0)  # sum of w d up to each step

    def learn_trust(self, full: Sequence[int]) -> None:
        """From now on trust forecasts as far as a run with these full steps learns to, see `trust`."""
        self._trust = [table for condition in self._conditions
                       for table in trust_tables(condition, full, self._rows, self.loss)]

    def of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """[S, J + 1]: entry j is the mean square error that j skipped steps leave.

        Entries beyond the end of the run repeat the last one.
        """
        found = torch.zeros(len(pasts), ahead + 1)
        for part in portions(pasts) if ahead else ():
            found[part, 1:] = self._of([pasts[i] for i in part], ahead)
        return found

    def drifts(self, placements: Sequence[Sequence[int]]) -> list[float | None]:
        """What runs with these full steps would find that their gaps drifted, see Line.closeness; None without a gap.

        All together, as the same few operators on more gaps take hardly longer.
        """
        gaps = [list(self._closed_gaps(full)) for full in placements]
        every = list(dict.fromkeys(gap for some in gaps for gap in some))
        found: dict[ClosedGap, float] = {}
        for part in portions([gap.past for gap in every]):
            some = [every[i] for i in part]
            found.update(zip(some, self._drifts(some).tolist(), strict=True))
        picture = max(self.trace.picture, TINY) if math.isfinite(self.trace.picture) else math.nan
        return [sum(found[gap] for gap in some) / picture if some else None for some in gaps]

    def _closed_gaps(self, full: Sequence[int]) -> Iterator[ClosedGap]:
        """The gaps that a full step closes, with the nodes that a run would take, see sampling/drifts.py."""
        known, places = [], self._places.tolist()
        for number, (before, after) in enumerate(pairwise(full), start=1):
            known = known or [before]
            skipped, known = after - before - 1, [after, *known]
            start = before + 1 if skipped else after
            known = [known[i] for i in spaced([places[step] for step in known], places[start])]
            if skipped:
                yield ClosedGap(past_of(full, number, self._rows.snapshots), skipped, tuple(known), alone=number == 1)

    def _drifts(self, gaps: Sequence[ClosedGap]) -> Tensor:
        """Squares of the drifts of gaps whose pasts are of equal length, [S]."""
        pasts, skipped = [gap.past for gap in gaps], [gap.skipped for gap in gaps]
        past, reached, steps = self._reached(pasts, max(skipped))
        weights = torch.where(reached > self.trace.steps - 1, 0, self._ways[steps])
        forecast = self._forecast(past, steps, weights, self._rows.at(pasts, max(skipped)))
        drifts = self._known_sums(gaps) - forecast[range(len(gaps)), [count - 1 for count in skipped]]
        counts = [self._counts * (ONE_STEP if gap.alone and not self.trace.starts_twice else 1.0) for gap in gaps]
        return drifts.square_().mean(dim=(1, 2)) * torch.tensor(counts).square()

    def _known_sums(self, gaps: Sequence[ClosedGap]) -> Tensor:
        """Sums of w d over the gaps as the closing full step shows them, [S, N, C]."""
        shares = torch.zeros(len(gaps), self.trace.steps)
        for row, gap in zip(shares, gaps, strict=True):
            for step in range(gap.past[0] + 1, gap.past[0] + gap.skipped + 1):
                if self._slopes_known:
                    at = lagrange([float(self._places[node]) for node in gap.nodes], float(self._places[step]))
                    row[list(gap.nodes)] += self._ways[step] * torch.tensor(at)
                else:  # the forecasts' own errors stand for what an interpolation would show of them
                    row[step] += self._ways[step]
        return torch.einsum("st,tnc->snc", shares, self._slope)

    def _reached(self, pasts: Sequence[Past], ahead: int) -> tuple[Tensor, Tensor, Tensor]:
        """The pasts [S, K], each of J steps after them, and the same within the run [S, J]."""
        past = torch.tensor(pasts)
        reached = past[:, :1] + torch.arange(1, ahead + 1)
        return past, reached, reached.clamp(max=self.trace.steps - 1)

    def _of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """[S, J] for pasts of equal length."""
        past, reached, steps = self._reached(pasts, ahead)
        weights = torch.where(reached > self.trace.steps - 1, 0, self._weights[steps])
        forecast = self._forecast(past, steps, weights, self._rows.at(pasts, ahead))  # f_j
        true = self._moved[steps] - self._moved[past[:, :1]]
        left = self._after_repaying(past, reached, weights, forecast) if self._repays else forecast
        return left.sub_(true).square_().mean(dim=(2, 3))

    def _forecast(self, past: Tensor, steps: Tensor, weights: Tensor, candidates: Tensor) -> Tensor:
        """f_j after guidance, [S, J, N, C]. past: [S, K]; steps, weights: [S, J]; candidates: [S, J, P, K]."""
        total, trust = 0, iter(self._trust)
        for condition in self._conditions:
            best = condition.best(past, steps, candidates, self.loss)
            for part in condition.parts:
                shares = (part.scale[steps] * weights)[..., None]
                trusted = next(trust)[past[:, :1]]  # [S, 1, N]
                summed = (shares[..., None] * best).cumsum(dim=1) * trusted[..., None]
                summed[..., 0] += shares.cumsum(dim=1) * (1 - trusted)
                total = total + torch.einsum("sjnk,sknc->sjnc", summed, part.target[past])
        return total

    def _after_repaying(self, past: Tensor, reached: Tensor, weights: Tensor, forecast: Tensor) -> Tensor:
        """f_j [S, J, N, C] after the full step that follows each has repaid what it can: closer to i_j."""
        last = self.trace.steps - 1
        after = (reached + 1).clamp(max=last)
        nodes = torch.cat([after[..., None], past[:, None, :DEGREE].expand(*after.shape, -1)], dim=-1)
        shares = interpolated(self._places[nodes], self._places[reached.clamp(max=last)], weights.double()).float()
        repays = (reached < last) & shares.isfinite().all(dim=-1)
        shares = torch.where(repays[..., None], (1 - LEFT_BY_REPAYING) * shares, 0)
        left = torch.where(repays, LEFT_BY_REPAYING, 1.0)[..., None, None] * forecast
        left += shares[..., 0, None, None] * self._slope[after]
        return left.add_(torch.einsum("sjk,sknc->sjnc", shares[..., 1:], self._slope[past[:, :DEGREE]]))


def interpolated(nodes: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Weight [S, J, K] of each node's value in the sum of the first j values interpolated at the places.

    nodes: [S, J, K], for each j its own; places, weights: [S, J]. Not finite where nodes coincide.
    """
    first = torch.ones(places.shape[1], places.shape[1], dtype=torch.bool).tril()  # [J, J]: the first j places
    shares = []
    for k in range(nodes.shape[-1]):
        basis = torch.where(first, weights[:, None], 0)
        for other in range(nodes.shape[-1]):
            if other != k:
                far = (places[:, None] - nodes[..., other, None]) / (nodes[..., k] - nodes[..., other])[..., None]
                basis = basis * far
        shares.append(basis.sum(dim=-1))
    return torch.stack(shares, dim=-1)
