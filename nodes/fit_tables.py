"""TAP Fit Tables: fits TeaCache's and MagCache's numbers for a model, from a measured run."""

from comfy_api.latest import io, ui

from ..tap_core.calibrate.fitted_numbers import fit_polynomial, magnitude_ratios
from ..tap_core.calibrate.trace import Trace
from ..tap_core.errors import TapError
from ..tap_core.schedule import AnySchedule
from ..tap_core.schedules.magcache import MagCacheSchedule
from ..tap_core.schedules.teacache import TeaCacheSchedule
from .inputs.sockets import schedule_output
from .inputs.trace import trace_input, trace_of
from .inputs.view import after_input

TEACACHE, MAGCACHE = "TeaCache", "MagCache"


class TapFitTables(io.ComfyNode):
    """Fits the numbers that a method with a threshold needs for a model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapFitTables",
            display_name="TAP Fit Tables",
            category="tap/calibration",
            description="Gives TeaCache its polynomial, or MagCache its ratios, for the model that TAP Measure Run "
            "watched with target residual. You can keep the numbers: TAP Schedule takes them as own numbers.",
            search_aliases=["teacache", "magcache", "coefficients", "polynomial", "ratios"],
            inputs=[
                trace_input(), after_input(),
                io.Combo.Input("method", options=[TEACACHE, MAGCACHE], default=TEACACHE,
                               tooltip="The schedule whose numbers are fitted."),
                io.Float.Input("threshold", default=0.4, min=0.0, max=20.0, step=0.01, round=1e-6,
                               tooltip="Lower computes more steps and keeps the picture closer to the full one. 0.4 "
                               "suits TeaCache, 0.24 suits MagCache."),
            ],
            outputs=[
                schedule_output(),
                io.String.Output(display_name="STRING", tooltip="The numbers, for TAP Schedule's own numbers."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, trace: object, after: object, method: str, threshold: float) -> io.NodeOutput:
        """The schedule with its fitted numbers, and the numbers as text; a TapError says why there are none."""
        schedule, numbers = fitted(trace_of(trace), method, threshold)
        text = ", ".join(f"{number:.6g}" for number in numbers)
        return io.NodeOutput(schedule, text, ui=ui.PreviewText(text))


def fitted(trace: Trace, method: str, threshold: float) -> tuple[AnySchedule, tuple[float, ...]]:
    """The schedule of this name and its numbers, fitted on the positive prompt, because both prompts follow it."""
    if trace.target != "residual":
        raise TapError(f"The run was measured for target {trace.target}, and {method} needs residual: set target of "
                       "TAP Measure Run to residual.")
    changes = max(trace.conditions, key=lambda condition: condition.share).changes
    if method == TEACACHE:
        coefficients = fit_polynomial(changes)
        return TeaCacheSchedule(threshold=threshold, coefficients=coefficients), coefficients
    ratios = magnitude_ratios(changes, trace.steps)
    return MagCacheSchedule(threshold=threshold, ratios=ratios, always=()), ratios
