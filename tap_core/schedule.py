"""What a schedule is: the rule that decides which steps are computed in full."""

from dataclasses import dataclass
from typing import Protocol

from .timeline import Timeline


@dataclass(frozen=True)
class Decision:
    """What happens at one step. reason: why it is full, for the report. remember: a full step joins the history."""

    full: bool
    reason: str = ""
    remember: bool = True


SKIP = Decision(full=False)


class Schedule(Protocol):
    """Decides once per sampler step; every model evaluation within the step follows."""

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped, for the step with this index."""
        ...
