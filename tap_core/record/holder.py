"""How the views of a run get its record."""

from copy import deepcopy

from .record import TapRecord


class RecordHolder:
    """Holds the record of TAP Accelerate's latest run; the node makes the holder before there is a run.

    It is emptied when a run starts, so that a view never shows an older run. why_none: why there is none, in words; ""
    where there was no run.
    """

    def __init__(self) -> None:
        self._latest: TapRecord | None = None
        self._prompt = ""
        self.why_none = ""

    def clear(self) -> None:
        """A run starts."""
        self._latest, self.why_none = None, ""

    def fill(self, record: TapRecord, prompt: str = "") -> None:
        """A run has ended. prompt: the id of the prompt that it was in; "" if that is not known."""
        self._latest, self._prompt = record, prompt

    def give_way(self, why: str, prompt: str = "") -> None:
        """Another node takes this one's place on the model; what a run of an earlier prompt has left is dropped.

        why: what to tell people where there is no record. prompt: the id of the prompt that runs now.
        """
        if not prompt or prompt != self._prompt:
            self._latest = None
        self.why_none = why

    @property
    def latest(self) -> TapRecord | None:
        """A copy of the latest run's record, which no later run changes; None if there was none."""
        return deepcopy(self._latest)
