"""The pool's weight rows at many places of a run at once.

K: the most snapshots that are looked back at. past: indices of the last full steps, newest first. P: candidates.
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
# Rows with smaller differences make the same forecast.
EQUAL = 1e-6
Past = tuple[int, ...]


class Rows:
    """Weight rows of a pool's linear predictors, none of them learned. Raises TapError for a pool that has none.

    Explicit predictors look at whole pictures and are left out. Predictors that look further back than MOST_SNAPSHOTS
    full steps forecast from these.
    """

    def __init__(self, pool: Pool, timeline: Timeline) -> None:
        if not pool.predictors:
            raise TapError("No predictor of this pool can be calibrated: switch on one such as Taylor or Newton.")
        # A forecast with a horizon is the forecast of the same rule without one, evaluated that many steps further on.
        rules = [replace(predictor, horizon=0.0) for predictor in pool.predictors]
        self._rules = list(dict.fromkeys(rules))
        self._members = [(self._rules.index(rule), member.horizon)
                         for rule, member in zip(rules, pool.predictors, strict=True)]
        self._timeline = timeline
        self.snapshots = min(max(predictor.snapshots for predictor in pool.predictors), MOST_SNAPSHOTS)
        self._moves = timeline.axis == "step" and self._depends_on_distances()
        self._found: dict[Past, Tensor] = {}

    def at(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """Rows [S, J, P, K] in float32 for these pasts of equal length, at each of J steps after the newest."""
        moved = [self._moved(past) for past in pasts]
        different = {past: number for number, past in enumerate(dict.fromkeys(moved))}
        found = [self._known(past, ahead) for past in different]
        most = max(rows.shape[1] for rows in found)
        # Repeating the first changes no choice: of equal candidates the first is taken.
        found = [torch.cat([rows, rows[:, :1].expand(-1, most - rows.shape[1], -1)], dim=1)
                 if rows.shape[1] < most else rows for rows in found]
        return torch.stack(found)[[different[past] for past in moved]]

    def _moved(self, past: Past) -> Past:
        """The same past at the start of the run, if only distances count; its rows are then computed only once."""
        shift = past[-1] if self._moves else 0
        return tuple(place - shift for place in past)

    def _known(self, past: Past, ahead: int) -> Tensor:
        """[J, P, K]; each past is computed only once."""
        found = self._found.get(past)
        if found is None or len(found) < ahead:
            found = self._found[past] = self._rows(past, range(1, ahead + 1))
        return found[:ahead]

    def _rows(self, past: Past, ahead: range) -> Tensor:
        """[J, P, K]; candidates that are equal at all steps are kept once."""
        positions, timeline = tuple(map(float, past)), self._timeline.separating(past)
        weights = [cache(partial(rule.weights, positions, timeline=timeline)) for rule in self._rules]
        members = [[weights[rule](positions[0] + step + horizon) for step in ahead] for rule, horizon in self._members]
        rows = [rows for rows in members if None not in rows] or [[padded([1.0], past)] * len(ahead)]
        # NumPy reads lists of lists much faster than torch.
        return distinct(torch.from_numpy(np.array(rows, dtype=np.float32))).transpose(0, 1)

    def _depends_on_distances(self) -> bool:
        early, late = ((place + 5, place + 3, place) for place in (0, max(self._timeline.steps - 9, 1)))
        one, other = (self._rows(past, range(3, 4)) for past in (early, late))
        return one.shape == other.shape and torch.allclose(one, other, atol=1e-6)


def portions(pasts: Sequence[Past]) -> Iterator[list[int]]:
    """Indices of pasts of equal length, in their order, at most PASTS_AT_ONCE at a time."""
    by_length: dict[int, list[int]] = {}
    for i, past in enumerate(pasts):
        by_length.setdefault(len(past), []).append(i)
    for part in by_length.values():
        yield from (part[start : start + PASTS_AT_ONCE] for start in range(0, len(part), PASTS_AT_ONCE))


def distinct(rows: Tensor) -> Tensor:
    """The rows of [P, ...] that differ from all rows before them."""
    same = (rows[:, None] - rows).flatten(2).abs().amax(dim=2) < EQUAL
    return rows[~same.tril(-1).any(dim=1)]
