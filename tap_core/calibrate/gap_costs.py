"""What gaps between full steps cost in the search: their errors over all traces, for the pasts that stand for them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .gap_errors import GapErrors
from .rows import Past
from .typical_past import PAST_LENGTH, typical


class GapCosts:
    """Means over the traces. snapshots: full steps that the pool looks back at. longest: the longest gap.

    past_length: how many full steps of a past the search has to distinguish.
    """

    def __init__(self, errors: Sequence[GapErrors], snapshots: int, longest: int) -> None:
        self._errors, self._snapshots, self._longest = errors, snapshots, longest
        self.past_length = min(snapshots, PAST_LENGTH)
        self._known: dict[Past, Tensor] = {}

    def of(self, pasts: Sequence[Past], ahead: int) -> Tensor:
        """[S, ahead + 1], as PlacementSearch asks for them."""
        stand_ins = [typical(past, self._snapshots) for past in pasts]
        new = [past for past in dict.fromkeys(stand_ins) if past not in self._known]
        if new:
            found = sum(each.of(new, self._longest) for each in self._errors) / len(self._errors)
            self._known.update(zip(new, found, strict=True))
        return torch.stack([self._known[past] for past in stand_ins])[:, : ahead + 1]
