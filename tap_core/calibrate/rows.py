"""The pool's weight rows at many places of a run at once.

K: snapshots looked back at, at most. past: steps of the last full ones, newest first. P: candidates.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import TapError
from ..pool import Pool
from ..timeline import Timeline

MOST_SNAPSHOTS = 3
Past = tuple[int, ...]


class Rows:
    """Weight rows of a pool's linear predictors. Raises TapError for a pool that has none.

    Predictors that are no rows of weights look at whole pictures and are left out; of those that look further back
    than MOST_SNAPSHOTS full steps, their forecast from these is taken.
    """

    def __init__(self, pool: Pool, timeline: Timeline) -> None:
        if not pool.predictors:
            raise TapError("No predictor of this pool can be calibrated: switch on one such as Taylor or Newton.")
        self._pool, self._timeline = Pool(pool.predictors), timeline
        self.snapshots = min(self._pool.snapshots, MOST_SNAPSHOTS)
        self._moves = timeline.axis == "step" and self._depends_on_distances()
        self._found = lru_cache(maxsize=None)(self._rows)

    def at(self, pasts: Sequence[Past], step_after: int) -> Tensor:
        """Rows [S, P, K] in float64 for these pasts of equal length, so many steps after the newest of each."""
        found = [self._found(*self._moved(past, past[0] + step_after)) for past in pasts]
        most = max(map(len, found))
        # Repeating the first row changes no choice: of equal losses the first is taken.
        return torch.tensor([rows + [rows[0]] * (most - len(rows)) for rows in found], dtype=torch.float64)

    def _moved(self, past: Past, step: int) -> tuple[Past, int]:
        """The same situation at the start of the run, if only distances count, so that it is worked out once."""
        shift = past[-1] if self._moves else 0
        return tuple(place - shift for place in past), step - shift

    def _rows(self, past: Past, step: int) -> list[list[float]]:
        return self._pool.candidates([float(place) for place in past], float(step), self._timeline).weights

    def _depends_on_distances(self) -> bool:
        early, late = ((place + 5, place + 3, place) for place in (0, max(self._timeline.steps - 9, 1)))
        one, other = (torch.tensor(self._rows(past, past[0] + 3), dtype=torch.float64) for past in (early, late))
        return one.shape == other.shape and torch.allclose(one, other, atol=1e-9)
