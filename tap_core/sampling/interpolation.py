"""Slopes between known ones: through which full steps they are interpolated."""

from collections.abc import Sequence

# Slopes are interpolated by the polynomial through the newest full step and up to this many before it. A third one
# gains nothing where full steps are even, and harms after the paper's warm-up, where they are close together.
DEGREE = 2
# Nodes are at least so far apart, as a share of the gap: a line through closer ones would magnify their differences.
APART = 0.25


def spaced(places: Sequence[float], start: float) -> list[int]:
    """Which full steps serve as nodes, newest first. places: of full steps; start: of the gap before the newest."""
    chosen = [0]
    for index in range(1, len(places)):
        if abs(places[index] - places[chosen[-1]]) > APART * abs(places[0] - start):
            chosen.append(index)
    return chosen[: DEGREE + 1]
