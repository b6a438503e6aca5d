"""What a predictor is: a rule that weighs the last full steps."""

from collections.abc import Sequence
from typing import Protocol

from .timeline import Timeline


class Predictor(Protocol):
    """One candidate of a pool; the same weights forecast probe and target.

    family: its name in reports and on the map. order: what the order layer of the map shows.
    horizon: steps from the asked position to the one where the forecast is evaluated (0 = the asked one).
    snapshots: how many full steps it looks back at most.
    """

    family: str
    order: int
    horizon: float
    snapshots: int

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float] | None:
        """Weight of each snapshot, newest first, summing to 1; None while `past` is too short for the rule.

        past: positions of the full steps, newest first. position: the one asked for.
        """
        ...
