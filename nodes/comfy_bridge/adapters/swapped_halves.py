"""Models that swap the halves of their batch on the way in and swap them back on the way out."""

from torch import Tensor

from ..seam.adapter import Adapter, Entry
from ..seam.layout import Whole


class SwappedHalvesAdapter(Adapter):
    """The order of the call is kept outside: rows that belong together stand at one place."""

    def half(self, entry: Entry) -> int:
        """By how many rows the batch is turned."""
        return -(-entry.batch // 2)

    def tokens(self, whole: Whole, entry: Entry) -> Tensor:
        """Turned as they will be on the way out."""
        return super().tokens(whole, entry).roll(-self.half(entry), dims=0)

    def like(self, tokens: Tensor, whole: Whole, entry: Entry) -> Whole:
        """The way back."""
        return super().like(tokens.roll(self.half(entry), dims=0), whole, entry)
