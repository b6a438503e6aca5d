"""Published methods by name: each is a pool and a schedule, with the settings of its paper or code for a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import TapError
from ..schedule import AnySchedule
from ..schedules.cg_taylor import ConfidenceGateSchedule
from ..schedules.dicache import DiCacheSchedule
from ..schedules.easycache import EasyCacheSchedule
from ..schedules.fallback import FallbackSchedule
from ..schedules.growing import GrowingSchedule
from ..schedules.interval import IntervalSchedule
from ..schedules.magcache import MagCacheSchedule
from ..schedules.model_tables import MAGNITUDES, POLYNOMIALS
from ..schedules.sada import StabilitySchedule
from ..schedules.speca import SpeculativeSchedule
from ..schedules.tc_pade import TrajectoryStabilitySchedule
from ..schedules.teacache import TeaCacheSchedule
from .pool_settings import PoolSettings

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Method:
    """A published method. about: what it does, in an artist's words. schedule: from an adapter's name."""

    about: str
    pool: PoolSettings
    schedule: Callable[[str], AnySchedule]


def fixed(family: str, orders: str) -> PoolSettings:
    """One predictor for all tokens."""
    return PoolSettings(families=(family,) if family else (), orders=orders, horizon_from=0, horizon_to=0)


def _by_model(values: dict[str, Number], other: Number) -> Callable[[str], Number]:
    return lambda model: values.get(model, other)


REUSE = fixed("", "0")
# TAP's Tables 1 to 3, at about five times fewer FLOPs, and their rows for FORA.
_tap_interval = _by_model({"Qwen-Image": 4, "HunyuanVideo": 6}, 5)
_fora_interval = _by_model({"Qwen-Image": 3, "HunyuanVideo": 5}, 4)
# Settings of the released codes.
_taylorseer_interval = _by_model({"FLUX": 6}, 5)
_taylorseer_warmup = _by_model({"HunyuanVideo": 1, "Wan": 1}, 3)
_gate_threshold = _by_model({"HunyuanVideo": 0.08, "Wan": 0.18}, 0.03)
_gate_order = _by_model({"HunyuanVideo": 2, "Wan": 3}, 1)
_gate_warmup = _by_model({"HunyuanVideo": 6, "Wan": 6}, 5)
# Thresholds for a polynomial; without one the change of the probe is used as it is, which is ten times smaller.
_tea_threshold = _by_model({"FLUX": 0.4, "HunyuanVideo": 0.15, "LTX-Video": 0.06}, 0.04)


def _teacache(model: str) -> TeaCacheSchedule:
    return TeaCacheSchedule(threshold=_tea_threshold(model), coefficients=POLYNOMIALS.get(model, (1.0, 0.0)))


def _magcache(model: str) -> MagCacheSchedule:
    if model not in MAGNITUDES:
        raise TapError(
            f"MagCache needs magnitude ratios that were measured on {model}, and there are none; choose another "
            "method, or give your own ratios to TAP Schedule."
        )
    table = MAGNITUDES[model]
    if model == "Qwen-Image":
        return MagCacheSchedule(0.06, 2, 0.2, table.ratios, table.always)
    return MagCacheSchedule(ratios=table.ratios, always=table.always)


METHODS: dict[str, Method] = {
    "TAP": Method(
        "Every token by the predictor that does best there.",
        PoolSettings(), lambda model: IntervalSchedule(_tap_interval(model), 3),
    ),
    "TAP with fallback": Method(
        "TAP, and a computed step where even the best predictors have a large error.",
        PoolSettings(), lambda model: FallbackSchedule(interval=_tap_interval(model)),
    ),
    "TaylorSeer": Method(
        "One Taylor curve for all tokens.", fixed("taylor", "1"),
        lambda model: IntervalSchedule(_taylorseer_interval(model), _taylorseer_warmup(model)),
    ),
    "FORA": Method(
        "Repeats the last result.", REUSE, lambda model: IntervalSchedule(_fora_interval(model), 1),
    ),
    "HiCache": Method(
        "One calm curve for all tokens.", fixed("hicache", "2"), lambda model: IntervalSchedule(7, 3),
    ),
    "FreqCa": Method(
        "Repeats the coarse part and continues the fine part.", fixed("freqca", "2"),
        lambda model: IntervalSchedule(6, 3),
    ),
    "FoCa": Method(
        "Walks ahead step by step.", fixed("foca-heun", "2"), lambda model: IntervalSchedule(6, 3),
    ),
    "Spectrum": Method(
        "Fits the whole run so far, in windows that grow.", fixed("spectrum", "2"), lambda model: GrowingSchedule(),
    ),
    "TeaCache": Method("Repeats the last result until the first block's input has changed.", REUSE, _teacache),
    "MagCache": Method("Repeats the last result by a table of how its size changes.", REUSE, _magcache),
    "EasyCache": Method(
        "Repeats the last answer until the picture has moved.", REUSE, lambda model: EasyCacheSchedule(),
    ),
    "DiCache": Method(
        "Watches the first block, and stretches the last change by what it shows.",
        PoolSettings(("dicache",), "1", horizon_from=0, dicache_per_token=False),
        lambda model: DiCacheSchedule(),
    ),
    "CG-Taylor": Method(
        "A Taylor curve, checked at the first block of every step.", fixed("taylor", "1"),
        lambda model: ConfidenceGateSchedule(threshold=_gate_threshold(model), order=_gate_order(model),
                                             warmup=_gate_warmup(model)),
    ),
    "SpeCa": Method(
        "A Taylor curve, checked at the last block of every step.", fixed("taylor", "2"),
        lambda model: SpeculativeSchedule(),
    ),
    "TC-Pade": Method(
        "A rational curve where the path is straight.", fixed("tc-pade", "2"),
        lambda model: TrajectoryStabilitySchedule(),
    ),
    "SADA": Method(
        "Continues the sampler's own path where it is stable.", REUSE, lambda model: StabilitySchedule(),
    ),
}
