"""The values of all sliders, checked once, before sampling starts."""

import math
from dataclasses import asdict, dataclass, replace

from ..closeness import FIXED, MOST_CLOSER, QUALITIES
from ..engine.losses import PROXY_LOSSES
from ..engine.selector import Selector
from ..errors import TapError
from ..predictors.pool import Pool, taylor_pool
from ..predictors.ranges import horizon_list, parsed_orders
from ..schedule import AnySchedule
from ..schedules.interval import IntervalSchedule
from ..schedules.placed import by_change, by_step, change_schedule, even_schedule
from ..schedules.quality import QualitySchedule
from ..schedules.ranged import Range, parts_of, ranged
from ..timeline import TIME_AXES
from .pool_settings import PoolSettings

TARGETS = ("auto", "residual", "output", "denoised")
CACHE_DEVICES = ("gpu", "cpu")
CORRECTIONS = ("on", "off")
TRUSTS = ("learned", "full")
WIDEST_STRIDE = 16
PLACED = {"change": change_schedule, "even": even_schedule, "paper": IntervalSchedule}
PLACEMENTS = tuple(PLACED)


@dataclass(frozen=True)
class TapSettings:
    """Settings of TAP Accelerate; the defaults measured best (bench/placement/README.md), the pool is the paper's.

    orders: a list such as "0,1,2". horizon_from .. horizon_to: steps relative to the true distance.
    quality: how close the picture has to be, or "fixed" for as many full steps as interval says, as at interval 1.
    most_computed: the most full steps, 0 for no limit; without "fixed" alone. memory_limit: MB that may be kept on the
    model's device, 0 for no limit. given_schedule: replaces interval, quality, most_computed, placement and
    warmup_steps. given_pool: replaces orders and horizons. start_percent .. end_percent: where steps may be skipped.
    closer_than_told: how many dB pictures of this model were closer than TAP had told.
    Raises TapError, saying which input to change, for an impossible value.
    """

    interval: int = 5
    orders: str = "0,1,2"
    horizon_from: int = -4
    horizon_to: int = 0
    proxy_loss: str = "cosine"
    warmup_steps: int = 3
    horizon_step: float = 1.0
    target: str = "auto"
    time_axis: str = "step"
    cache_device: str = "gpu"
    correction: str = "on"
    placement: str = "change"
    trust: str = "learned"
    probe_stride: int = 4
    quality: str = FIXED
    most_computed: int = 0
    memory_limit: int = 0
    start_percent: float = 0.0
    end_percent: float = 1.0
    closer_than_told: float = 0.0
    given_schedule: AnySchedule | None = None
    given_pool: PoolSettings | None = None

    def __post_init__(self) -> None:
        _check_choice("quality", self.quality, tuple(QUALITIES))
        _check_choice("proxy_loss", self.proxy_loss, PROXY_LOSSES)
        _check_choice("target", self.target, TARGETS)
        _check_choice("time_axis", self.time_axis, TIME_AXES)
        _check_choice("cache_device", self.cache_device, CACHE_DEVICES)
        _check_choice("correction", self.correction, CORRECTIONS)
        _check_choice("placement", self.placement, PLACEMENTS)
        _check_choice("trust", self.trust, TRUSTS)
        _check_numbers(asdict(self))
        if not 1 <= self.probe_stride <= WIDEST_STRIDE:
            raise TapError(f"probe_stride is {self.probe_stride}; set it from 1 to {WIDEST_STRIDE}.")
        if not self.order_list:
            raise TapError("orders is empty; choose at least one order, such as 0,1,2.")
        if self.memory_limit < 0:
            raise TapError(f"memory_limit is {self.memory_limit}; set it to 0 for no limit, or to more.")
        if not abs(self.closer_than_told) <= MOST_CLOSER:
            raise TapError(f"closer_than_told is {self.closer_than_told:g} dB; set it from {-MOST_CLOSER} to "
                           f"{MOST_CLOSER}.")
        horizon_list(self.horizon_from, self.horizon_to, self.horizon_step)
        IntervalSchedule(self.interval, self.warmup_steps)
        QualitySchedule(0.0, self.most_computed)
        Range(self.start_percent, self.end_percent)

    @property
    def off(self) -> bool:
        """Whether the user wants every step computed."""
        return self.given_schedule is None and self.interval == 1

    @property
    def limit_bytes(self) -> int | None:
        """What may be kept on the model's device; None without a limit, and where all is kept on the CPU."""
        limited = self.memory_limit and self.cache_device != "cpu"
        return self.memory_limit * 10**6 if limited else None

    @property
    def order_list(self) -> list[int]:
        """The orders as numbers, lowest first."""
        return parsed_orders(self.orders)

    def pool(self) -> Pool:
        """The candidates that these settings name."""
        if self.given_pool is not None:
            return self.given_pool.pool()
        return taylor_pool(self.order_list, self.horizon_from, self.horizon_to, self.horizon_step)

    def selector(self) -> Selector:
        """How a token chooses from the pool."""
        return Selector() if self.given_pool is None else self.given_pool.selector()

    def schedule(self) -> AnySchedule:
        """The schedule that these settings name."""
        if self.given_schedule is not None:
            return self._ranged(self.given_schedule)
        if self.quality == FIXED or self.off:
            return self.fixed_schedule()
        curve = by_change if self.placement == "change" else by_step
        return self._ranged(QualitySchedule(QUALITIES[self.quality], self.most_computed, curve, self.closer_than_told))

    def without_quality(self) -> "TapSettings":
        """These settings where no quality can be kept to: as many steps as interval says, if any is asked."""
        return replace(self, quality=FIXED) if keeps_to_quality(self.schedule()) else self

    def fixed_schedule(self) -> AnySchedule:
        """As many full steps as interval and warm-up say."""
        return self._ranged(PLACED[self.placement](self.interval, self.warmup_steps))

    def _ranged(self, schedule: AnySchedule) -> AnySchedule:
        return ranged(schedule, Range(self.start_percent, self.end_percent))


def keeps_to_quality(schedule: AnySchedule) -> bool:
    """Whether a schedule computes as many steps as a wished closeness takes, in its range."""
    return any(isinstance(part, QualitySchedule) for part in parts_of(schedule))


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise TapError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")


def _check_numbers(values: dict[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise TapError(f"{name} is {value}; set it to a number.")
