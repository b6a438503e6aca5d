"""TAP Schedule: which steps are computed in full."""

import math
from collections.abc import Mapping
from typing import TypeVar

from comfy_api.latest import io

from ..tap_core.errors import TapError
from ..tap_core.schedule import AnySchedule
from ..tap_core.schedules.listed import ListedSchedule, parse_steps
from ..tap_core.schedules.magcache import MagCacheSchedule
from ..tap_core.schedules.model_tables import MAGNITUDES, POLYNOMIALS
from ..tap_core.schedules.ranged import Range, ranged
from ..tap_core.schedules.registry import SCHEDULES
from ..tap_core.schedules.teacache import TeaCacheSchedule
from .inputs.schedules import OWN, range_inputs, schedule_options
from .inputs.sockets import TAP_SCHEDULE, schedule_output

Value = TypeVar("Value")


class TapSchedule(io.ComfyNode):
    """Gives one schedule with its knobs to TAP Accelerate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapSchedule",
            display_name="TAP Schedule",
            category="tap",
            description="Decides which steps are computed: by a fixed pattern, or by watching how the picture changes, "
            "as TeaCache, EasyCache and others do. Connect it to schedule of TAP Accelerate.",
            search_aliases=["teacache", "easycache", "magcache", "dicache", "speca", "sada", "cache", "threshold"],
            inputs=[
                io.DynamicCombo.Input(
                    "schedule", options=schedule_options(),
                    tooltip="interval is TAP's own. The others have the names of the methods that they come from. A "
                    "lower threshold computes more steps and keeps the picture closer to the full one.",
                ),
                *range_inputs("this schedule forecasts no step."),
                TAP_SCHEDULE.Input(
                    "outside", optional=True,
                    tooltip="Decides outside the range from start_percent to end_percent: connect another TAP Schedule "
                    "to forecast in two ranges. Without it every step outside is computed.",
                ),
            ],
            outputs=[schedule_output()],
        )

    @classmethod
    def execute(
        cls, schedule: dict[str, object], start_percent: float = 0.0, end_percent: float = 1.0,
        outside: AnySchedule | None = None,
    ) -> io.NodeOutput:
        """The schedule; a TapError says which knob to change."""
        return io.NodeOutput(ranged(build_schedule(**schedule), Range(start_percent, end_percent), outside))


def build_schedule(schedule: str, **knobs: object) -> AnySchedule:
    """The schedule of this name with its knobs as the node has them."""
    kind = entry(SCHEDULES, "schedule", schedule)
    if kind is ListedSchedule:
        return ListedSchedule(parse_steps(str(knobs["steps"])))
    if kind is TeaCacheSchedule:
        name, own = knobs.pop("polynomial"), str(knobs.pop("coefficients"))
        found = numbers("coefficients", own) if name == OWN else entry(POLYNOMIALS, "polynomial", name)
        return TeaCacheSchedule(coefficients=found, **knobs)
    if kind is MagCacheSchedule:
        name, own = knobs.pop("magnitudes"), str(knobs.pop("ratios"))
        if name == OWN:
            return MagCacheSchedule(ratios=numbers("ratios", own), always=(), **knobs)
        table = entry(MAGNITUDES, "magnitudes", name)
        return MagCacheSchedule(ratios=table.ratios, always=table.always, **knobs)
    return kind(**knobs)


def entry(table: Mapping[str, Value], name: str, wanted: object) -> Value:
    """The entry called `wanted`. Raises TapError for an unknown name, such as another program may write."""
    if wanted not in table:
        raise TapError(f"{name} is {wanted!r}; choose one of {', '.join(table)}.")
    return table[wanted]


def numbers(name: str, text: str) -> tuple[float, ...]:
    """The numbers of a list with commas. Raises TapError if an entry is not a number."""
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",") if entry.strip()]
    try:
        found = tuple(float(entry) for entry in entries)
    except ValueError as error:
        raise TapError(f"{name} is {text!r}; write numbers between commas.") from error
    if not all(map(math.isfinite, found)):
        raise TapError(f"{name} is {text!r}; write finite numbers.")
    return found
