"""The methods that are compared: each a pool, a schedule with one dial, and what else TAP Accelerate is told.

All have a warm-up of three steps, as TAP's comparison has, or fewer where their paper says so: with their own longer
ones some could not compute as few as 7 of 50 steps. Where no N gives a count after three steps, the warm-up is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.sampling.methods import REUSE, fixed
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.growing import GrowingSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.magcache import MagCacheSchedule
from tap_pack.tap_core.schedules.placed import change_schedule, even_schedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule

from models.paper_settings import PAPER_SETTINGS

Rule = Callable[[float], AnySchedule]


@dataclass(frozen=True)
class Dial:
    """A schedule with one number to turn; more of it computes fewer steps.

    values: those to try, if few; else span: between which it is turned. says: what differs from the
    method's other cells in the table, apart from the number that is turned.
    """

    rule: Rule
    values: Sequence[float] = ()
    span: tuple[float, float] | None = None
    says: str = ""


@dataclass(frozen=True)
class Contender:
    """A method to compare. dials: tried in turn, a later one only where no earlier one comes close enough.

    fit: what it learns for its full steps once these are known, see `newest`; None for most.
    """

    name: str
    pool: PoolSettings
    dials: Sequence[Dial]
    more: dict[str, object] = field(default_factory=dict)
    fit: Callable | None = None

    def settings(self, value: float, dial: int = 0) -> TapSettings:
        """What TAP Accelerate is told at this value of a dial."""
        schedule = self.dials[dial].rule(value)
        return TapSettings(**{**PAPER_SETTINGS, **self.more}, given_pool=self.pool, given_schedule=schedule)


INTERVALS, GROWTH = range(2, 17), (0.1, 8.0)
LONGER_THAN_ANY_RUN = 1000
PAPER = PoolSettings()
# What TAP Accelerate does if it is told nothing.
OWN = {name: getattr(TapSettings(), name) for name in PAPER_SETTINGS}
EVERYTHING = PoolSettings(families=tuple(name for name in FAMILIES if name != "magcache"))


def interval(warmup: int = 3) -> Rule:
    """The paper's schedule, its N on the dial."""
    return lambda value: IntervalSchedule(int(value), warmup)


def growing_windows(value: float) -> GrowingSchedule:
    """Spectrum's schedule, its growth on the dial."""
    return GrowingSchedule(growth=value, warmup=3)


# Some counts no N gives after three steps of warm-up, such as 10 of 20 steps.
ONE_IN_N = (Dial(interval(), INTERVALS), Dial(interval(1), INTERVALS, says="warm-up 1"))
GROWING = (Dial(growing_windows, span=GROWTH),)


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
    # With one step of warm-up no N computes 12 of 50 steps.
    fora = (Dial(interval(1), INTERVALS), Dial(interval(3), INTERVALS, says="warm-up 3"))
    return [
        *(Contender(name, pool, ONE_IN_N) for name, pool in rows.items()),
        Contender("FORA", REUSE, fora),
        Contender("Spectrum", fixed("spectrum", "2"), GROWING),
    ]


def adaptive_contenders(polynomial: tuple[float, ...], ratios: tuple[float, ...]) -> list[Contender]:
    """A threshold on the dial. polynomial, ratios: TeaCache's and MagCache's, measured on this model."""
    one, two = fixed("taylor", "1"), fixed("taylor", "2")
    return [
        Contender("TAP Accelerate's defaults, steps by probe change", PAPER, _threshold(
            lambda v: TeaCacheSchedule(threshold=v, coefficients=(1.0, 0.0)), 0.01, 20), more=OWN),
        Contender("TeaCache", REUSE, _threshold(
            lambda v: TeaCacheSchedule(threshold=v, coefficients=polynomial), 0.01, 10)),
        Contender("MagCache", REUSE, _threshold(lambda v: MagCacheSchedule(v, 0, 0.06, ratios, ()), 0.005, 20)),
        Contender("EasyCache", REUSE, _threshold(lambda v: EasyCacheSchedule(threshold=v, warmup=3), 0.002, 5)),
        Contender("DiCache", fixed("dicache", "2"), _threshold(
            lambda v: DiCacheSchedule(threshold=v, retention=0.05), 0.01, 10)),
        Contender("CG-Taylor", one, _threshold(lambda v: ConfidenceGateSchedule(threshold=v, warmup=3), 0.002, 2)),
        Contender("SpeCa", two, _threshold(
            lambda v: SpeculativeSchedule(threshold=v, floor=0.0, max_skip=0), 0.05, 200)),
        Contender("TC-Pade", fixed("tc-pade", "2"), [stability_window(0.7), stability_window(0.35),
                                                     stability_window(0.0)]),
        Contender("SADA, from step 3 on", REUSE, [sada(0.2), sada(0.06)]),
        Contender("TAP with fallback", PAPER, [fallback(1.5), fallback(2.0), fallback(3.0)]),
    ]


def _threshold(rule: Rule, least: float, most: float) -> list[Dial]:
    return [Dial(rule, span=(least, most))]


def stability_window(threshold: float) -> Dial:
    """TC-Pade, its window on the dial; 0.7 is its fastest setting, below it fewer steps within a window are full."""
    says = f"threshold {threshold:g}" if threshold < 0.7 else ""
    return Dial(lambda v: TrajectoryStabilitySchedule(threshold=threshold, interval=int(v)), range(3, 17), says=says)


def sada(multistep_from: float) -> Dial:
    """SADA with its ranges widened to nearly the whole run: with its own it computes half of the steps.

    Its criterion refuses about every third skip, so that few full steps need the multistep stage to begin early.
    """
    says = "" if multistep_from == 0.2 else "multistep throughout"
    return Dial(lambda v: StabilitySchedule(start_share=0.06, stop_share=1.0, multistep_from=multistep_from,
                                            multistep_interval=int(v), max_skip=0), range(2, 17), says=says)


def fallback(factor: float) -> Dial:
    """TAP's fallback, its longest window on the dial; a higher factor falls back less."""
    says = "" if factor == 1.5 else f"factor {factor:g}"
    return Dial(lambda v: FallbackSchedule(factor=factor, interval=int(v)), range(3, 25), says=says)


def placed(schedule: Callable[[int, int], AnySchedule]) -> list[Dial]:
    """One step in N; where no N gives the count, a warm-up of so many and no N: the steps are placed all the same."""
    return [Dial(lambda value: schedule(int(value), 3), INTERVALS),
            Dial(lambda value: schedule(LONGER_THAN_ANY_RUN, int(value)), range(2, 40))]


def our_contenders() -> list[Contender]:
    """With what this pack adds, drift repaid and full steps spread evenly; and forecasts under another's schedule."""
    rows = {"TAP": PAPER, "order 1": fixed("taylor", "1")}
    even = [
        Contender(f"{name}, even, {target}, drift repaid", pool,
                  placed(even_schedule),
                  more={"target": target, "correction": "on"})
        for name, pool in rows.items() for target in ("output", "residual")
    ]
    repaid = {"target": "output", "correction": "on"}
    default = Contender("TAP Accelerate's defaults", PAPER, placed(change_schedule), more=OWN)
    growing = [
        Contender("TAP, growing windows", PAPER, GROWING),
        Contender("TAP, growing windows, output, drift repaid", PAPER, GROWING, more=repaid),
        Contender("TaylorSeer, order 1, growing windows", fixed("taylor", "1"), GROWING),
        Contender("Spectrum's forecast, one step in N", fixed("spectrum", "2"), ONE_IN_N),
    ]
    return [default, *even, *growing]
