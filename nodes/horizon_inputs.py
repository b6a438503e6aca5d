"""How far ahead predictors may look: inputs that TAP Accelerate and TAP Predictor Pool have in common."""

from comfy_api.latest import io

HORIZON_RANGE = {"min": -8, "max": 4}
HORIZON_STEP_RANGE = {"min": 0.1, "max": 2.0}


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
