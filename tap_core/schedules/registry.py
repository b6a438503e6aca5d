"""Every schedule by name. A new schedule is a new file and a line here."""

from ..schedule import AnySchedule
from .cg_taylor import ConfidenceGateSchedule
from .dicache import DiCacheSchedule
from .easycache import EasyCacheSchedule
from .fallback import FallbackSchedule
from .growing import GrowingSchedule
from .interval import IntervalSchedule
from .listed import ListedSchedule
from .magcache import MagCacheSchedule
from .sada import StabilitySchedule
from .speca import SpeculativeSchedule
from .tc_pade import TrajectoryStabilitySchedule
from .teacache import TeaCacheSchedule

SCHEDULES: dict[str, type[AnySchedule]] = {
    "interval": IntervalSchedule,
    "list of steps": ListedSchedule,
    "TAP with fallback": FallbackSchedule,
    "TeaCache": TeaCacheSchedule,
    "MagCache": MagCacheSchedule,
    "EasyCache": EasyCacheSchedule,
    "DiCache": DiCacheSchedule,
    "CG-Taylor": ConfidenceGateSchedule,
    "SpeCa": SpeculativeSchedule,
    "TC-Pade": TrajectoryStabilitySchedule,
    "SADA": StabilitySchedule,
    "Spectrum": GrowingSchedule,
}


def schedule_name(schedule: AnySchedule) -> str:
    """The name of a schedule in SCHEDULES, or else the name of its class."""
    return next((name for name, kind in SCHEDULES.items() if kind is type(schedule)), type(schedule).__name__)
