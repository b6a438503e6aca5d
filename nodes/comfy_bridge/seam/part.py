"""A call that is computed in part: its blocks run on the text and on some of the picture's tokens alone.

Before each block the tokens are cut out of its arguments, afterwards they are put back, so that whatever runs between
the blocks, such as the residuals of a ControlNet, finds all tokens where it expects them.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .adapter import Adapter, Entry
from .blocks import Arguments, Original

Range = tuple[int, int | None, int]


class Part:
    """kept: [N] which of the picture's tokens are computed, on the processor. adapter: one with `cuts`."""

    def __init__(self, kept: Tensor, adapter: Adapter) -> None:
        self.kept, self._cuts, self._stream = kept, adapter.cuts, adapter.stream
        self._rows: dict[tuple[int, torch.device], Tensor] = {}

    def fits(self, entry: Entry) -> bool:
        """Whether the stream holds these tokens and no others: references, for example, have numbers of their own."""
        return entry.count == entry.stream.shape[1] == len(self.kept)

    def run(self, args: Arguments, original: Original) -> Mapping[str, object]:
        """The block's result for the text and the kept tokens; the other tokens stay as they come in."""
        stream = args[self._stream]
        rows = self._rows_in(stream.shape[1], stream.device)
        given = {name: self._cut(args[name], dimensions, stream) for name, dimensions in self._cuts.items()
                 if args.get(name) is not None}
        result = original({**args, **given, self._stream: stream.index_select(1, rows)})
        return {**result, self._stream: stream.index_copy(1, rows, result[self._stream])}

    def merged(self, computed: Tensor, forecast: Tensor) -> Tensor:
        """[B, N, C]: the kept tokens of the one, and the others of the other."""
        return torch.where(self.kept.to(computed.device)[:, None], computed, forecast.to(computed.dtype))

    def _cut(self, value: Tensor | Sequence[Range], dimensions: Sequence[int], stream: Tensor) -> object:
        if not torch.is_tensor(value):
            return self._cut_ranges(value, self._rows_in(stream.shape[1], torch.device("cpu")).tolist())
        for dimension in dimensions:
            if value.shape[dimension] > 1:  # else the same for all tokens
                value = value.index_select(dimension, self._rows_in(value.shape[dimension], value.device))
        return value

    def _cut_ranges(self, ranges: Sequence[Range], rows: Sequence[int]) -> list[Range]:
        """Ranges of tokens with a row of their own each, such as the first frame's; `None` is the end."""
        return [(bisect_left(rows, start), None if end is None else bisect_left(rows, end), row)
                for start, end, row in ranges]

    def _rows_in(self, size: int, device: torch.device) -> Tensor:
        """The rows to keep of so many: the text's, which stands before the picture, and those of the kept tokens.

        With fewer rows than tokens each is a run of tokens, such as a frame, and comes once for each kept token.
        """
        place = (size, device)
        if place not in self._rows:
            kept, text = self.kept.nonzero().flatten(), size - len(self.kept)
            rows = torch.cat([torch.arange(text), text + kept]) if text >= 0 else kept // -(-len(self.kept) // size)
            self._rows[place] = rows.to(device)
        return self._rows[place]
