"""The methods that are compared: each a pool, a schedule with one dial, and what else TAP Accelerate is told.

All have a warm-up of three steps, as TAP's comparison has, or fewer where their paper says so: with their own longer
ones some could not compute as few as 7 of 50 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tap_pack.tap_core.methods import REUSE, fixed
from tap_pack.tap_core.pool_settings import PoolSettings
from tap_pack.tap_core.predictors import FAMILIES
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.growing import GrowingSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.magcache import MagCacheSchedule
from tap_pack.tap_core.schedules.placed import change_schedule, even_schedule
from tap_pack.tap_core.schedules.registry import AnySchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from tap_pack.tap_core.settings import TapSettings

Dial = Callable[[float], AnySchedule]


@dataclass(frozen=True)
class Contender:
    """A method to compare.

    dial: from a value to a schedule. values: those to try, if few; else span: between which the dial is turned until
    the wanted number of steps is computed. More of it computes fewer steps.
    """

    name: str
    pool: PoolSettings
    dial: Dial
    values: Sequence[float] = ()
    span: tuple[float, float] | None = None
    more: dict[str, object] = field(default_factory=dict)

    def settings(self, value: float) -> TapSettings:
        """What TAP Accelerate is told at this value of the dial."""
        return TapSettings(**{"correction": "off", "placement": "paper", "target": "residual", **self.more},
                           given_pool=self.pool, given_schedule=self.dial(value))


INTERVALS, GROWTH = range(2, 17), (0.1, 8.0)
PAPER = PoolSettings()
EVERYTHING = PoolSettings(families=tuple(name for name in FAMILIES if name != "magcache"))


def interval(warmup: int = 3) -> Dial:
    """The paper's schedule, its N on the dial."""
    return lambda value: IntervalSchedule(int(value), warmup)


def growing_windows(value: float) -> GrowingSchedule:
    """Spectrum's schedule, its growth on the dial."""
    return GrowingSchedule(growth=value, warmup=3)


def fixed_contenders() -> list[Contender]:
    """One full step in N."""
    rows = {
        "TAP": PAPER,
        "TAP, all families": EVERYTHING,
        "TAP, one choice for all tokens": PoolSettings(selection="one for all"),
        "TAP, random choice": PoolSettings(selection="random"),
        "TaylorSeer, order 1": fixed("taylor", "1"),
        "TaylorSeer, order 2": fixed("taylor", "2"),
        "Newton, order 2": fixed("newton", "2"),
        "HiCache, order 2": fixed("hicache", "2"),
        "Hermite, order 2 over 5 steps": fixed("hermite", "2"),
        "AB-Cache, order 2": fixed("adams-bashforth", "2"),
        "FoCa": fixed("foca-heun", "2"),
        "FreqCa": fixed("freqca", "2"),
    }
    made = [Contender(name, pool, interval(), INTERVALS) for name, pool in rows.items()]
    return [
        *made,
        Contender("FORA", REUSE, interval(1), INTERVALS),
        Contender("Spectrum", fixed("spectrum", "2"), growing_windows, span=GROWTH),
    ]


def adaptive_contenders(polynomial: tuple[float, ...], ratios: tuple[float, ...]) -> list[Contender]:
    """A threshold on the dial. polynomial, ratios: TeaCache's and MagCache's, measured on this model."""
    one, two = fixed("taylor", "1"), fixed("taylor", "2")
    return [
        Contender("TeaCache", REUSE, lambda v: TeaCacheSchedule(threshold=v, coefficients=polynomial), span=(0.01, 10)),
        Contender("MagCache", REUSE, lambda v: MagCacheSchedule(v, 0, 0.06, ratios, ()), span=(0.005, 20)),
        Contender("EasyCache", REUSE, lambda v: EasyCacheSchedule(threshold=v, warmup=3), span=(0.002, 5)),
        Contender("DiCache", fixed("dicache", "2"), lambda v: DiCacheSchedule(threshold=v, retention=0.06),
                  span=(0.01, 10)),
        Contender("CG-Taylor", one, lambda v: ConfidenceGateSchedule(threshold=v, warmup=3), span=(0.002, 2)),
        Contender("SpeCa", two, lambda v: SpeculativeSchedule(threshold=v, floor=0.0, max_skip=0), span=(0.05, 200)),
        Contender("TC-Pade", fixed("tc-pade", "2"),
                  lambda v: TrajectoryStabilitySchedule(threshold=0.7, interval=int(v)), range(3, 13)),
        Contender("SADA, from step 3 on", REUSE, sada, range(2, 13)),
        Contender("TAP with fallback", PAPER, lambda v: FallbackSchedule(factor=1.5, interval=int(v)), range(3, 25)),
    ]


def sada(value: float) -> StabilitySchedule:
    """SADA with its ranges widened to nearly the whole run: with its own it computes half of the steps."""
    return StabilitySchedule(start_share=0.06, stop_share=1.0, multistep_from=0.2, multistep_interval=int(value),
                             max_skip=0)


def our_contenders() -> list[Contender]:
    """With what this pack adds, drift repaid and full steps spread evenly; and forecasts under another's schedule."""
    rows = {"TAP": PAPER, "order 1": fixed("taylor", "1")}
    even = [
        Contender(f"{name}, even, {target}, drift repaid", pool, lambda value: even_schedule(int(value), 3), INTERVALS,
                  more={"target": target, "correction": "on"})
        for name, pool in rows.items() for target in ("output", "residual")
    ]
    repaid = {"target": "output", "correction": "on"}
    default = Contender("TAP Accelerate's defaults", PAPER, lambda value: change_schedule(int(value), 3), INTERVALS,
                        more=repaid)
    growing = [
        Contender("TAP, growing windows", PAPER, growing_windows, span=GROWTH),
        Contender("TAP, growing windows, output, drift repaid", PAPER, growing_windows, span=GROWTH, more=repaid),
        Contender("TaylorSeer, order 1, growing windows", fixed("taylor", "1"), growing_windows, span=GROWTH),
        Contender("Spectrum's forecast, one step in N", fixed("spectrum", "2"), interval(), INTERVALS),
    ]
    return [default, *even, *growing]
