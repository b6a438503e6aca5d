"""Slopes between known ones."""

import math
from collections.abc import Sequence

# Slopes are interpolated by the polynomial through the newest full step and up to this many before it. A third one
# gains nothing where full steps are even, and harms after the paper's warm-up, where they are close together.
DEGREE = 2


def shares_at(nodes: Sequence[float], place: float) -> list[float]:
    """The weight of each node's value in the polynomial through all of them, at a place (Lagrange)."""
    return [math.prod((place - other) / (node - other) for other in nodes if other != node) for node in nodes]
