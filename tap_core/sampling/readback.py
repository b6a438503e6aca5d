"""What a run has to know from its device: all of it is read at full steps, at once, so that no skipped step waits."""

from collections.abc import Callable

import torch
from torch import Tensor

# Has values read, and the function called with them once they are on the processor.
Ask = Callable[[Tensor, Callable[[Tensor], None]], None]


class Readback:
    """Values that are still on the device, and who waits for them."""

    def __init__(self) -> None:
        self._asked: list[tuple[Tensor, Callable[[Tensor], None]]] = []

    def ask(self, values: Tensor, take: Callable[[Tensor], None]) -> None:
        """Give `take` these values on the processor, as float32 of the same shape, once they are read."""
        self._asked.append((values, take))

    def read(self) -> None:
        """Read all that was asked for. This waits for the device once."""
        asked, self._asked = self._asked, []
        if not asked:
            return
        device = asked[0][0].device
        flat = [values.to(device, torch.float32).flatten() for values, _ in asked]
        for (values, take), part in zip(asked, torch.cat(flat).cpu().split([len(each) for each in flat]), strict=True):
            take(part.view(values.shape))

    def clear(self) -> None:
        """Nobody waits any more."""
        self._asked = []
