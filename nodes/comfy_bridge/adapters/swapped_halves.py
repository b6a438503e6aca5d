"""Models that swap the halves of their batch on the way in and swap them back on the way out."""

from torch import Tensor

from ..seam.adapter import Adapter, Entry
from ..seam.layout import Whole


class SwappedHalvesAdapter(Adapter):
    """Undoes the swap for TAP: its rows have the order of the call."""

    def half(self, entry: Entry) -> int:
        """By how many rows the batch is rotated."""
        return -(-entry.batch // 2)

    def tokens(self, whole: Whole, entry: Entry) -> Tensor:
        """Rotated as the model does on the way out."""
        return super().tokens(whole, entry).roll(-self.half(entry), dims=0)

    def like(self, tokens: Tensor, whole: Whole, entry: Entry) -> Whole:
        """The way back."""
        return super().like(tokens.roll(self.half(entry), dims=0), whole, entry)
