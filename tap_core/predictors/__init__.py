"""The families of predictors, one file each, in the order in which they are offered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..predictor import Predictor
from .adams_bashforth import AdamsBashforth
from .foca import FoCa
from .hermite import Hermite
from .hicache import HiCache
from .newton import Newton
from .spectrum import Spectrum
from .taylor import Taylor

# Orders above 0, lowest first, and horizons, nearest to 0 first -> the family's members.
Members = Callable[[Sequence[int], Sequence[float]], list[Predictor]]


@dataclass(frozen=True)
class Family:
    """A family of predictors. label: its name on screen; about: what it does, in an artist's words."""

    label: str
    about: str
    members: Members


def _each_order_and_horizon(kind: Callable[[int, float], Predictor]) -> Members:
    return lambda orders, horizons: [kind(order, horizon) for order in orders for horizon in horizons]


FAMILIES = {
    "taylor": Family(
        "Taylor", "follows the last results as TAP and TaylorSeer do.", _each_order_and_horizon(Taylor)
    ),
    "newton": Family(
        "Newton", "follows them through their true spacing, exactly and boldly.", _each_order_and_horizon(Newton)
    ),
    "hermite": Family(
        "Least squares (Hermite)", "smooths over the last five results; needs their memory.",
        _each_order_and_horizon(Hermite),
    ),
    "hicache": Family(
        "HiCache", "follows them at half the pace, calmly.", _each_order_and_horizon(HiCache)
    ),
    "spectrum": Family(
        "Spectrum", "fits the run so far; needs the memory of eight results.",
        lambda orders, horizons: [Spectrum(horizon=horizon) for horizon in horizons],
    ),
    "adams-bashforth": Family(
        "Adams-Bashforth", "jumps to where the next full step would be.",
        lambda orders, horizons: [AdamsBashforth(order) for order in orders],
    ),
    "foca": Family(
        "FoCa", "walks ahead step by step.",
        lambda orders, horizons: [FoCa(horizon=horizon) for horizon in horizons],
    ),
    "foca-heun": Family(
        "FoCa, calibrated", "walks ahead step by step, held to the last known direction.",
        lambda orders, horizons: [FoCa(heun=True, horizon=horizon) for horizon in horizons],
    ),
}
