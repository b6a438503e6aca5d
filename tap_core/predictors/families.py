"""The families of predictors, one file each, in the order that a user sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..predictor import ExplicitPredictor, Predictor
from .adams_bashforth import AdamsBashforth
from .dicache import DiCache
from .foca import FoCa
from .freqca import FreqCa
from .hermite import Hermite
from .hicache import HiCache
from .magnitude import MagnitudeScaled
from .newton import Newton
from .spectrum import Spectrum
from .taylor import Taylor
from .tc_pade import TcPade


@dataclass(frozen=True)
class MemberOptions:
    """Which members of a family a pool gets.

    orders: above 0, lowest first. horizons: nearest to 0 first. hermite_steps, spectrum_steps: full steps that these
    fit, and therefore keep in memory. hicache_scale, freqca_cutoff, dicache_per_token: see their files.
    """

    orders: Sequence[int]
    horizons: Sequence[float] = (0.0,)
    hermite_steps: int = 5
    spectrum_steps: int = 8
    hicache_scale: float = 0.5
    freqca_cutoff: float = 0.1
    dicache_per_token: bool = True


@dataclass(frozen=True)
class Family:
    """A family of predictors. label: its name on screen; about: what it does, in an artist's words."""

    label: str
    about: str
    members: Callable[[MemberOptions], list[Predictor | ExplicitPredictor]]


FAMILIES = {
    "taylor": Family(
        "Taylor", "Follows the last results, as TAP and TaylorSeer do.",
        lambda w: [Taylor(order, horizon) for order in w.orders for horizon in w.horizons],
    ),
    "newton": Family(
        "Newton", "Follows the last results by their true distances: exact on smooth stretches, bold elsewhere.",
        lambda w: [Newton(order, horizon) for order in w.orders for horizon in w.horizons],
    ),
    "hermite": Family(
        "Hermite (least squares)", "Smooths over more results than a curve needs; keeps them all in memory.",
        lambda w: [Hermite(order, horizon, max(w.hermite_steps, order + 1))
                   for order in w.orders for horizon in w.horizons],
    ),
    "hicache": Family(
        "HiCache", "Follows the last results at half their pace, calmly.",
        lambda w: [HiCache(order, horizon, w.hicache_scale) for order in w.orders for horizon in w.horizons],
    ),
    "spectrum": Family(
        "Spectrum", "Fits the whole run so far; keeps the most results in memory.",
        lambda w: [Spectrum(horizon=horizon, remembered=w.spectrum_steps) for horizon in w.horizons],
    ),
    "adams-bashforth": Family(
        "Adams-Bashforth (AB-Cache)", "Always looks one whole interval ahead: good at its end.",
        lambda w: [AdamsBashforth(order) for order in w.orders],
    ),
    "foca": Family(
        "FoCa", "Walks ahead step by step.", lambda w: [FoCa(horizon=horizon) for horizon in w.horizons]
    ),
    "foca-heun": Family(
        "FoCa, calibrated", "Walks ahead step by step, held to the last known direction.",
        lambda w: [FoCa(heun=True, horizon=horizon) for horizon in w.horizons],
    ),
    "dicache": Family(
        "DiCache", "Stretches the last change by how far each token's probe has moved.",
        lambda w: [DiCache(w.dicache_per_token)],
    ),
    "tc-pade": Family(
        "TC-Pade", "A rational curve, slower at the beginning and a little bolder at the end.", lambda w: [TcPade()]
    ),
    "freqca": Family(
        "FreqCa", "Repeats the picture's coarse part and continues its fine part.",
        lambda w: [FreqCa(w.freqca_cutoff)],
    ),
    "magcache": Family(
        "MagCache, scaled", "Repeats the last result and continues its length. Only the l1 and l2 losses see the "
        "difference.", lambda w: [MagnitudeScaled()],
    ),
}
