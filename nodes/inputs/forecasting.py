"""How skipped steps are forecast: inputs that several nodes have in common, with the defaults of TAP Accelerate."""

from itertools import combinations

from comfy_api.latest import io

from ...tap_core.engine.losses import PROXY_LOSSES
from ...tap_core.errors import TapError
from ...tap_core.sampling.settings import (
    CACHE_DEVICES,
    CORRECTIONS,
    PLACEMENTS,
    QUALITIES,
    TARGETS,
    TRUSTS,
    TapSettings,
)
from ...tap_core.timeline import TIME_AXES

DEFAULTS = TapSettings(quality="close")
ORDER_SETS = [",".join(map(str, orders)) for size in range(1, 5) for orders in combinations(range(4), size)]
OPTIONS = {
    "quality": QUALITIES,
    "orders": ORDER_SETS, "proxy_loss": PROXY_LOSSES, "target": TARGETS, "time_axis": TIME_AXES,
    "cache_device": CACHE_DEVICES, "correction": CORRECTIONS, "placement": PLACEMENTS, "trust": TRUSTS,
}
HORIZON_RANGE = {"min": -8, "max": 4}
HORIZON_STEP_RANGE = {"min": 0.1, "max": 2.0}
RANGES = {"horizon_from": HORIZON_RANGE, "horizon_to": HORIZON_RANGE, "horizon_step": HORIZON_STEP_RANGE}


def choice_input(name: str, **more: object) -> io.Input:
    """The list of a setting's values. more: tooltip, advanced and optional, as ComfyUI takes them."""
    return io.Combo.Input(name, options=list(OPTIONS[name]), default=getattr(DEFAULTS, name), **more)


def horizon_inputs() -> list[io.Input]:
    """The two ends of the range of horizons."""
    return [
        io.Int.Input(
            "horizon_from", default=DEFAULTS.horizon_from, **HORIZON_RANGE, display_mode=io.NumberDisplay.slider,
            tooltip="Lower is more careful: a token may use a forecast that stops this many steps before the step that "
            "is needed. -4 allows up to 4 steps before it.",
        ),
        io.Int.Input(
            "horizon_to", default=DEFAULTS.horizon_to, **HORIZON_RANGE, display_mode=io.NumberDisplay.slider,
            tooltip="0 lets tokens look as far ahead as the step that is needed. Above 0 they may look past it.",
        ),
    ]


def horizon_step_input() -> io.Input:
    """The distance between horizons."""
    return io.Float.Input(
        "horizon_step", default=DEFAULTS.horizon_step, **HORIZON_STEP_RANGE, step=0.1, advanced=True,
        tooltip="Lower gives tokens a finer choice of how far to look ahead. It changes little.",
    )


def why_no_pool(*given_values: object) -> bool | str:
    """True, or a sentence that says what to change; None is a linked value, not known yet.

    given_values: orders, horizon_from, horizon_to, horizon_step. ComfyUI does not check the range of an input that
    `validate_inputs` names.
    """
    given = dict(zip(("orders", *RANGES), given_values, strict=True))
    if None in given.values():
        return True
    for name, allowed in RANGES.items():
        if not allowed["min"] <= given[name] <= allowed["max"]:
            return f"{name} is {given[name]}; set it from {allowed['min']} to {allowed['max']}."
    try:
        TapSettings(**given)
    except TapError as error:
        return str(error)
    return True
