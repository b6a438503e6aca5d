"""How a calibration gets the trace of a run."""

from .trace import Trace


class TraceHolder:
    """Holds the trace of the latest run of TAP Measure Run; the node makes the holder before there is a run.

    It is emptied when a run starts, so that no calibration uses an older trace.
    """

    def __init__(self) -> None:
        self.latest: Trace | None = None
        self.why_none = ""

    def clear(self) -> None:
        """A run starts."""
        self.latest, self.why_none = None, ""

    def give_way(self, why: str, _: str = "") -> None:
        """Another node takes this one's place on the model. why: what to tell people where there is no trace."""
        self.why_none = why
