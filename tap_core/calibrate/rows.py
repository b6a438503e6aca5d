"""The pool's weight rows at many places of a run at once.

K: snapshots looked back at, at most. past: steps of the last full ones, newest first. P: candidates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from ..errors import TapError
from ..predictors.pool import Pool
from ..predictors.weight_row import padded
from ..timeline import Timeline

MOST_SNAPSHOTS, PASTS_AT_ONCE = 3, 64
# Rows that agree to this much forecast the same thing.
ALIKE = 1e-6
Past = tuple[int, ...]


class Rows:
    """Weight rows of a pool's linear predictors. Raises TapError for a pool that has none.

    Predictors that are no rows of weights look at whole pictures and are left out; of those that look further back
    than MOST_SNAPSHOTS full steps, their forecast from these is taken.
    """

    def __init__(self, pool: Pool, timeline: Timeline) -> None:
        if not pool.predictors:
            raise TapError("No predictor of this pool can be calibrated: switch on one such as Taylor or Newton.")
        # What is evaluated so many steps further on is what a rule without a horizon forecasts of there.
        rules = [replace(predictor, horizon=0.0) for predictor in pool.predictors]
        self._rules = list(dict.fromkeys(rules))
        self._members = [(self._rules.index(rule), member.horizon)
                         for rule, member in zip(rules, pool.predictors, strict=True)]
        self._timeline = timeline
        self.snapshots = min(max(predictor.snapshots for predictor in pool.predictors), MOST_SNAPSHOTS)
        self._moves = timeline.axis == "step" and self._depends_on_distances()
        self._found: dict[Past, Tensor] = {}

    def at(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """Rows [S, J, P, K] in float32 for these pasts of equal length, at each of J steps behind the newest."""
        moved = [self._moved(past) for past in pasts]
        different = {past: number for number, past in enumerate(dict.fromkeys(moved))}
        found = [self._known(past, ahead) for past in different]
        most = max(rows.shape[1] for rows in found)
        # Repeating the first changes no choice, as it is taken of equals.
        found = [torch.cat([rows, rows[:, :1].expand(-1, most - rows.shape[1], -1)], dim=1)
                 if rows.shape[1] < most else rows for rows in found]
        return torch.stack(found)[[different[past] for past in moved]]

    def _moved(self, past: Past) -> Past:
        """The same situation at the start of the run, if only distances count, so that it is worked out once."""
        shift = past[-1] if self._moves else 0
        return tuple(place - shift for place in past)

    def _known(self, past: Past, ahead: int) -> Tensor:
        """[J, P, K]; what was found before is not worked out again."""
        found = self._found.get(past)
        if found is None or len(found) < ahead:
            found = self._found[past] = self._rows(past, range(1, ahead + 1))
        return found[:ahead]

    def _rows(self, past: Past, ahead: range) -> Tensor:
        """[J, P, K], what is the same at all steps once."""
        positions, timeline = tuple(map(float, past)), self._timeline.separating(past)
        weights = [cache(partial(rule.weights, positions, timeline=timeline)) for rule in self._rules]
        members = [[weights[rule](positions[0] + step + horizon) for step in ahead] for rule, horizon in self._members]
        rows = [rows for rows in members if None not in rows] or [[padded([1.0], past)] * len(ahead)]
        # Much faster than torch at reading lists of lists.
        return distinct(torch.from_numpy(np.array(rows, dtype=np.float32))).transpose(0, 1)

    def _depends_on_distances(self) -> bool:
        early, late = ((place + 5, place + 3, place) for place in (0, max(self._timeline.steps - 9, 1)))
        one, other = (self._rows(past, range(3, 4)) for past in (early, late))
        return one.shape == other.shape and torch.allclose(one, other, atol=1e-6)


def portions(pasts: Sequence[Past]) -> Iterator[list[int]]:
    """Where pasts of one length lie, in the order they come, each time not too many."""
    alike: dict[int, list[int]] = {}
    for i, past in enumerate(pasts):
        alike.setdefault(len(past), []).append(i)
    for part in alike.values():
        yield from (part[start : start + PASTS_AT_ONCE] for start in range(0, len(part), PASTS_AT_ONCE))


def distinct(rows: Tensor) -> Tensor:
    """Those of P rows [P, ...] that are like none before them."""
    same = (rows[:, None] - rows).flatten(2).abs().amax(dim=2) < ALIKE
    return rows[~same.tril(-1).any(dim=1)]
