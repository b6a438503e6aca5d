"""Parts that the linear predictors share: coordinates of the full steps and rows of weights over them."""

from collections.abc import Sequence

from ..timeline import Timeline


def coordinates(past: Sequence[float], count: int, timeline: Timeline) -> tuple[float, ...]:
    """Coordinates of at most `count` full steps, newest first."""
    return tuple(timeline.coordinate(position) for position in past[:count])


def padded(weights: Sequence[float], past: Sequence[float]) -> list[float]:
    """The weights of the newest snapshots, with zeros for the older ones."""
    return [*weights, *[0.0] * (len(past) - len(weights))]


def combined(shares: Sequence[float], rows: Sequence[Sequence[float]]) -> list[float]:
    """sum_i shares[i] * rows[i]."""
    return [sum(share * weight for share, weight in zip(shares, column, strict=True))
            for column in zip(*rows, strict=True)]
