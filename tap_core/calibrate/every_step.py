"""The schedule of a run that is measured."""

from ..schedule import AdaptiveSchedule, Course, Decision, Seen
from ..timeline import Timeline


class EveryStep(AdaptiveSchedule, Course):
    """Computes every step; as a course it may skip some, as otherwise nothing would be captured."""

    local = True
    plan = "every step is computed, to be measured"

    def start(self, timeline: Timeline) -> "EveryStep":
        """It has no state."""
        return self

    def before(self, seen: Seen) -> Decision:
        """Full."""
        return Decision(full=True, reason="measured")
