"""How far ahead predictors may look: inputs that several nodes have in common."""

from comfy_api.latest import io

from ..tap_core.errors import TapError
from ..tap_core.sampling.settings import TapSettings

HORIZON_RANGE = {"min": -8, "max": 4}
HORIZON_STEP_RANGE = {"min": 0.1, "max": 2.0}
RANGES = {"horizon_from": HORIZON_RANGE, "horizon_to": HORIZON_RANGE, "horizon_step": HORIZON_STEP_RANGE}


def horizon_inputs(horizon_from: float, horizon_to: float) -> list[io.Input]:
    """The two ends of the range of horizons, with these defaults."""
    return [
        io.Int.Input(
            "horizon_from", default=horizon_from, **HORIZON_RANGE, display_mode=io.NumberDisplay.slider,
            tooltip="Lower lets tokens play safe: predictors may stop so many steps before the step that is asked for.",
        ),
        io.Int.Input(
            "horizon_to", default=horizon_to, **HORIZON_RANGE, display_mode=io.NumberDisplay.slider,
            tooltip="0 lets tokens look as far ahead as the step that is asked for; above 0 they may overshoot it.",
        ),
    ]


def horizon_step_input(horizon_step: float) -> io.Input:
    """The distance between horizons, with this default."""
    return io.Float.Input(
        "horizon_step", default=horizon_step, **HORIZON_STEP_RANGE, step=0.1, advanced=True,
        tooltip="Lower gives tokens a finer choice of how far to look ahead; it changes little.",
    )


def why_no_pool(orders: str | None, horizon_from: int | None, horizon_to: int | None,
                horizon_step: float | None) -> bool | str:
    """True, or a sentence that says what to change; None is a linked value, not known yet.

    ComfyUI leaves the range of an input to `validate_inputs` where that names the input.
    """
    given = {"orders": orders, "horizon_from": horizon_from, "horizon_to": horizon_to, "horizon_step": horizon_step}
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
