"""Orders and horizons, from node inputs to numbers."""

import math

from ..errors import TapError

HIGHEST_ORDER = 3
MOST_HORIZONS = 200
MOST_DIGITS = 9


def parsed_orders(orders: str) -> list[int]:
    """Orders as numbers, lowest first, from a list such as "0,1,2". Raises TapError for other texts."""
    entries = [entry.strip() for entry in orders.split(",") if entry.strip()]
    if not all(entry.isdecimal() and len(entry) <= MOST_DIGITS for entry in entries):
        raise TapError(f"orders is {orders[:40]!r}; write numbers from 0 to {HIGHEST_ORDER} between commas, such as "
                       "0,1,2.")
    numbers = sorted({int(entry) for entry in entries})
    if numbers and numbers[-1] > HIGHEST_ORDER:
        raise TapError(f"orders names {numbers[-1]}; the highest order is {HIGHEST_ORDER}.")
    return numbers


def horizon_list(first: float, last: float, step: float) -> list[float]:
    """Horizons from `first` to `last`, the nearest to the true distance first. Raises TapError for a bad range."""
    if not all(math.isfinite(value) for value in (first, last, step)) or step <= 0:
        raise TapError(f"horizon_step is {step}; set it above 0, such as 1.")
    if first > last:
        raise TapError(
            f"horizon_from is {first}, above horizon_to {last}; lower horizon_from or raise horizon_to."
        )
    count = (last - first) / step + 1e-6 + 1
    if count > MOST_HORIZONS:
        raise TapError(
            f"horizon_step {step} makes more than {MOST_HORIZONS} horizons of {first} to {last}; raise horizon_step."
        )
    return sorted((first + i * step for i in range(int(count))), key=abs)
