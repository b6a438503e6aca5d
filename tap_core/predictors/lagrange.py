"""The weights of a polynomial through known values: predictors go on by them, and slopes are interpolated by them."""

import math
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

# A Tensor, a scalar, where gradients are asked for.
Place = TypeVar("Place", float, Tensor)


def lagrange(nodes: Sequence[Place], place: Place) -> list[Place]:
    """Weight of each node's value in the value at a place of the polynomial through all of them; no two are equal."""
    return [math.prod((place - other) / (node - other) for other in nodes if other != node) for node in nodes]
