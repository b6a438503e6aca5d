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

    def at(self, pasts: Sequence[Past], ahead: range) -> Tensor:
        """Rows [S, J, P, K] in float64 for these pasts of equal length, at each of J steps behind the newest."""
        return torch.stack(_alike([self._found(self._moved(past), ahead) for past in pasts]))

    def _moved(self, past: Past) -> Past:
        """The same situation at the start of the run, if only distances count, so that it is worked out once."""
        shift = past[-1] if self._moves else 0
        return tuple(place - shift for place in past)

    def _rows(self, past: Past, ahead: range) -> Tensor:
        """[J, P, K]"""
        positions = [float(place) for place in past]
        rows = [self._pool.candidates(positions, positions[0] + step, self._timeline).weights for step in ahead]
        return torch.stack(_alike([torch.tensor(at, dtype=torch.float64) for at in rows]))

    def _depends_on_distances(self) -> bool:
        early, late = ((place + 5, place + 3, place) for place in (0, max(self._timeline.steps - 9, 1)))
        one, other = (self._rows(past, range(3, 4)) for past in (early, late))
        return one.shape == other.shape and torch.allclose(one, other, atol=1e-9)


def _alike(rows: Sequence[Tensor]) -> list[Tensor]:
    """Rows [.., P, K] for as many candidates each; repeating the first changes no choice, as it is taken of equals."""
    most = max(each.shape[-2] for each in rows)
    return [each if each.shape[-2] == most else torch.cat([each, *[each[..., :1, :]] * (most - each.shape[-2])], dim=-2)
            for each in rows]
