"""The best places for a number of full steps, by dynamic programming over the last full steps.

A state is the past, the last K full steps, newest first. Its cost is the sum of its gaps' costs so far.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .rows import Past

# In longer runs only this many steps, evenly spread, may be full.
MOST_PLACES = 50
# Number of pasts whose gaps are computed between two reports of progress.
PASTS_AT_ONCE = 100

CostOf = Callable[[Sequence[Past], int], Tensor]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Placement:
    """full: the steps that are computed. cost: the sum over its gaps."""

    full: tuple[int, ...]
    cost: float


class PlacementSearch:
    """Finds the placements of lowest cost, for any number of full steps. Step 0 is full, as nothing comes before it.

    snapshots: K. longest: the longest chain of skipped steps. cost_of(pasts, ahead): [S, ahead + 1] the cost of
    skipping 0, 1, .. ahead steps after the newest of each past. progress: called with the share that is done.
    places: how many of the steps may be full, at most.
    """

    def __init__(
        self, steps: int, snapshots: int, longest: int, cost_of: CostOf, progress: Progress = lambda share: None,
        places: int = MOST_PLACES
    ) -> None:
        self.steps, self._snapshots, self._longest = steps, snapshots, min(longest, steps - 1)
        self.places = even_places(steps, places)
        after = self._what_comes_after()
        self.pasts = sorted(after, key=lambda past: (len(past), past))
        index = {past: i for i, past in enumerate(self.pasts)}
        # From which state, to which state, over how many skipped steps.
        moves = [(index[past], index[then], then[0] - past[0] - 1) for past in self.pasts for then in after[past]]
        self._from, self._to, reach = torch.tensor(moves, dtype=torch.long).reshape(-1, 3).T.contiguous()
        costs = self._costs(cost_of, progress)
        self._cost = costs[self._from, reach]
        left = torch.tensor([steps - 1 - past[0] for past in self.pasts])
        self._end = torch.where(left <= self._longest, costs.gather(1, left.clamp(max=self._longest)[:, None])[:, 0],
                                torch.inf)
        first = torch.full((len(self.pasts),), torch.inf, dtype=torch.float64)
        first[index[(0,)]] = 0
        self._best, self._came = [first], [torch.full((len(self.pasts),), -1)]

    def best(self, count: int) -> Placement | None:
        """The placement of lowest cost with `count` full steps; None if there is none."""
        while len(self._best) < count:
            self._step()
        total = self._best[count - 1] + self._end
        state = int(total.argmin())
        if not total[state].isfinite():
            return None
        full = []
        for came in reversed(self._came[:count]):
            full.append(self.pasts[state][0])
            state = int(came[state])
        return Placement(tuple(reversed(full)), float(total.min()))

    def _step(self) -> None:
        """One more full step for every state."""
        reached = self._best[-1][self._from] + self._cost
        best = torch.full_like(self._end, torch.inf).scatter_reduce(0, self._to, reached, "amin")
        came, is_best = torch.full((len(self.pasts),), -1), reached == best[self._to]
        came[self._to[is_best]] = self._from[is_best]
        self._best.append(best)
        self._came.append(came)

    def _what_comes_after(self) -> dict[Past, list[Past]]:
        """Every past that can occur, and the pasts that follow from it with one more full step."""
        found: dict[Past, list[Past]] = {}
        waiting: list[Past] = [(0,)]
        within = {newest: [place for place in self.places if 0 < place - newest <= self._longest + 1]
                  for newest in self.places}
        while waiting:
            past = waiting.pop()
            if past not in found:
                found[past] = [(place, *past)[: self._snapshots] for place in within[past[0]]]
                waiting += found[past]
        return found

    def _costs(self, cost_of: CostOf, progress: Progress) -> Tensor:
        """[S, longest + 1] in the order of `pasts`."""
        parts = []
        for start in range(0, len(self.pasts), PASTS_AT_ONCE):
            parts.append(cost_of(self.pasts[start : start + PASTS_AT_ONCE], self._longest))
            progress(min(start + PASTS_AT_ONCE, len(self.pasts)) / len(self.pasts))
        return torch.cat(parts).double()


def even_places(steps: int, most: int) -> list[int]:
    """At most `most` of the steps, evenly spread, with the first and the last."""
    count = min(steps, most)
    return sorted({round(i * (steps - 1) / max(count - 1, 1)) for i in range(count)})
