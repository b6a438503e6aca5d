"""Remembering: the histories of a run, one for each condition."""

from collections.abc import Hashable, Sequence
from functools import partial

from torch import Tensor

from ..engine.history import History
from .notes import Notes
from .readback import Ask

SOMETHING_NEW = "A prompt, size, control or weight that came or changed during the run was computed in full each time."
NO_NUMBERS = ("The model gave values that are not numbers (NaN or infinity). They were not kept, and the steps that "
              "would have been forecast from them were computed in full.")


class Memory:
    """histories: by the key of their condition; each keeps `length` full steps.

    shared: whether several processes share the tokens of a picture.
    """

    def __init__(self, length: int, shared: bool, notes: Notes) -> None:
        self._length, self._shared, self._notes = length, shared, notes
        self.histories: dict[Hashable, History] = {}
        # Full steps at which a condition has to come again before its history is dropped.
        self._patience, self._full = max(length, 2), []

    def can_forecast(self, keys: Sequence[Hashable], batch: int, tokens: int) -> bool:
        """Whether every condition has a history of `batch` x `tokens` tokens; if not, the report says why."""
        found = [self.histories.get(key) for key in keys]
        # Several processes decide the same, even where one of them has values that are not numbers.
        if all(history is not None and history.fits(batch, tokens) and (self._shared or history.sound())
               for history in found):
            return True
        dropped = any(history is not None and not history.snapshots for history in found)
        self._notes.note(NO_NUMBERS if dropped else SOMETHING_NEW)
        return False

    def ask(self, ask: Ask) -> None:
        """Have `ask` read whether what was kept is finite, so that `can_forecast` need not wait for that."""
        for history in () if self._shared else self.histories.values():
            for snapshot in history.snapshots:
                if snapshot.finite is not None:
                    ask(snapshot.finite, partial(history.tell, snapshot))

    def fitting(self, key: Hashable, batch: int, tokens: int) -> History:
        """The history of a condition with `batch` x `tokens` tokens; a new one if there is none of that size."""
        history = self.histories.get(key)
        if history is None or not history.fits(batch, tokens):
            history = self.histories[key] = History(self._length)
        return history

    def keep(self, position: float) -> None:
        """A full step at `position` is over: a history gives up one snapshot for each of the last full steps that did
        not have its condition, until none is left.

        Guidance may run the model once more on every second step only. Prompts that come one after the other still
        take no more memory together than one that stays, where `length` is above 1.
        """
        self._full = [position, *(full for full in self._full if int(full) != int(position))][: self._patience]
        for history in self.histories.values():
            newest = max(history.positions, default=-1.0)
            history.trim(self._patience - sum(int(full) > int(newest) for full in self._full))
        self.histories = {key: history for key, history in self.histories.items() if history.snapshots}

    def make_room(self, history: History, room: int) -> None:
        """Move the oldest snapshots of one history to the CPU, so that all take `room` bytes of the device at most.

        Its turn comes at each full step, so that all histories give way alike.
        """
        others = sum(each.device_bytes for each in list(self.histories.values()) if each is not history)
        history.move_away(room - others)

    def keep_newest(self) -> None:
        """Keep only what was computed last: what lies before is of another latent."""
        for history in self.histories.values():
            history.trim(1)

    def clear(self) -> None:
        """Drop all histories."""
        self.histories.clear()

    @property
    def nbytes(self) -> int:
        """Bytes of the histories."""
        return sum(history.nbytes for history in self.histories.values())


def finite(values: Tensor) -> Tensor:
    """Whether all values are finite, a boolean scalar on the device; only the extremes are checked, to save memory."""
    low, high = values.aminmax()
    return low.isfinite() & high.isfinite()
