"""The values of all sliders, checked once, before sampling starts."""

import math
from dataclasses import asdict, dataclass

from .errors import TapError
from .pool import Pool, taylor_pool
from .schedules.interval import IntervalSchedule
from .schedules.placed import even_schedule
from .schedules.registry import AnySchedule
from .scoring import PROXY_LOSSES
from .timeline import TIME_AXES

TARGETS = ("residual", "output")
CACHE_DEVICES = ("gpu", "cpu")
CORRECTIONS = ("on", "off")
PLACEMENTS = ("paper", "even")
MAX_CANDIDATES = 1000


@dataclass(frozen=True)
class TapSettings:
    """What TAP Accelerate is told; the defaults are the paper's (sections 3.2 and 4.1).

    orders: a list such as "0,1,2". horizon_from .. horizon_to: steps relative to the true distance.
    given_schedule: replaces interval and warmup_steps.
    Raises TapError, saying which input to change, for a value that makes no sense.
    """

    interval: int = 5
    orders: str = "0,1,2"
    horizon_from: int = -4
    horizon_to: int = 0
    proxy_loss: str = "cosine"
    warmup_steps: int = 3
    horizon_step: float = 1.0
    target: str = "residual"
    time_axis: str = "step"
    cache_device: str = "gpu"
    correction: str = "off"
    placement: str = "paper"
    given_schedule: AnySchedule | None = None

    def __post_init__(self) -> None:
        _check_choice("proxy_loss", self.proxy_loss, PROXY_LOSSES)
        _check_choice("target", self.target, TARGETS)
        _check_choice("time_axis", self.time_axis, TIME_AXES)
        _check_choice("cache_device", self.cache_device, CACHE_DEVICES)
        _check_choice("correction", self.correction, CORRECTIONS)
        _check_choice("placement", self.placement, PLACEMENTS)
        _check_numbers(asdict(self))
        if not self.order_list:
            raise TapError("orders is empty; choose at least one order, such as 0,1,2.")
        if self.horizon_from > self.horizon_to:
            raise TapError(
                f"horizon_from is {self.horizon_from}, above horizon_to {self.horizon_to}; "
                "lower horizon_from or raise horizon_to."
            )
        self._check_horizon_step()
        IntervalSchedule(self.interval, self.warmup_steps)

    def _check_horizon_step(self) -> None:
        if self.horizon_step <= 0:
            raise TapError(f"horizon_step is {self.horizon_step}; set it above 0, such as 1.")
        count = (self.horizon_to - self.horizon_from) / self.horizon_step + 1
        if count * len(self.order_list) > MAX_CANDIDATES:
            raise TapError(
                f"horizon_step {self.horizon_step} makes more than {MAX_CANDIDATES} candidates "
                f"of horizons {self.horizon_from} to {self.horizon_to}; raise horizon_step."
            )

    @property
    def order_list(self) -> list[int]:
        """The orders as numbers, lowest first."""
        entries = [entry.strip() for entry in self.orders.split(",") if entry.strip()]
        if not all(entry.isdecimal() for entry in entries):
            raise TapError(f"orders is {self.orders!r}; write numbers from 0 to 3 between commas, such as 0,1,2.")
        orders = sorted({int(entry) for entry in entries})
        if orders and orders[-1] > 3:
            raise TapError(f"orders names {orders[-1]}; the highest Taylor order is 3.")
        return orders

    def pool(self) -> Pool:
        """The candidates that these settings name."""
        return taylor_pool(self.order_list, self.horizon_from, self.horizon_to, self.horizon_step)

    def schedule(self) -> AnySchedule:
        """The schedule that these settings name."""
        if self.given_schedule is not None:
            return self.given_schedule
        return {"paper": IntervalSchedule, "even": even_schedule}[self.placement](self.interval, self.warmup_steps)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise TapError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")


def _check_numbers(values: dict[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise TapError(f"{name} is {value}; set it to a number.")
