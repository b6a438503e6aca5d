"""How the views of a run get its record."""

from copy import deepcopy

from .compared import Compared
from .record import TapRecord

OLDER = ("Another TAP node takes this one's place on the model, in one branch at least. If no sampler uses this node's "
         "own MODEL any more, this is an older run.")


class RecordHolder:
    """Holds the record of TAP Accelerate's latest run; the node makes the holder before there is a run.

    It is emptied when a run starts, so that a view never shows an older run. why_none: why there is none, in words; ""
    where there was no run. runs: how many there were; compared: those whose pictures were compared.
    """

    def __init__(self) -> None:
        self.runs, self.compared = 0, Compared()
        self._latest: TapRecord | None = None
        self._prompt, self._gave_way = "", False
        self.why_none = ""

    def clear(self) -> None:
        """A run starts."""
        self._latest, self._gave_way, self.why_none = None, False, ""
        self.runs += 1

    def fill(self, record: TapRecord, prompt: str = "") -> None:
        """A run has ended. prompt: the id of the prompt that it was in; "" if that is not known."""
        self._latest, self._prompt = record, prompt

    def give_way(self, why: str, prompt: str = "") -> None:
        """Another node takes this one's place on the model; a record of an earlier prompt says so from here on.

        why: what to tell people where there is no record. prompt: the id of the prompt that runs now.
        """
        self._gave_way, self.why_none = not prompt or prompt != self._prompt, why

    @property
    def latest(self) -> TapRecord | None:
        """A copy of the latest run's record, which no later run changes; None if there was none."""
        found = deepcopy(self._latest)
        if found is not None and self._gave_way:
            found.fallbacks.append(OLDER)
        return found
