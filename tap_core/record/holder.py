"""How the views of a run get its record."""

from copy import deepcopy

from .record import TapRecord


class RecordHolder:
    """Holds the record of TAP Accelerate's latest run; the node makes the holder before there is a run.

    It is emptied when a run starts, so that a view never shows an older run.
    """

    def __init__(self) -> None:
        self._latest: TapRecord | None = None

    def clear(self) -> None:
        """A run starts."""
        self._latest = None

    def fill(self, record: TapRecord) -> None:
        """A run has ended."""
        self._latest = record

    @property
    def latest(self) -> TapRecord | None:
        """A copy of the latest run's record, which no later run changes; None if there was none."""
        return deepcopy(self._latest)
