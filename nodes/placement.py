"""TAP Placement: the text of a calibration, at work."""

from comfy_api.latest import io, ui

from ..tap_core.calibrate.budget import Budget, parsed_budget
from ..tap_core.calibrate.calibrated import CalibratedSchedule
from ..tap_core.calibrate.text import Calibration, from_text
from .budget_input import budget_input, why_not
from .socket_types import TAP_SCHEDULE


class TapPlacement(io.ComfyNode):
    """Computes the steps that a calibration found to pay most within a budget."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapPlacement",
            display_name="TAP Placement",
            category="tap/calibration",
            description="Says how many steps may be computed and takes the best ones from a text that TAP Calibrate "
            "made for the model. Connect it to schedule of TAP Accelerate. A run of another length or scheduler takes "
            "the steps of the nearest noise levels.",
            search_aliases=["tap", "calibrated", "budget", "schedule"],
            inputs=[
                io.String.Input("text", multiline=True, default="",
                                tooltip="The whole text of TAP Calibrate, pasted or connected."),
                budget_input(),
            ],
            outputs=[
                TAP_SCHEDULE.Output(display_name="TAP_SCHEDULE", tooltip="For TAP Accelerate's schedule input."),
                io.String.Output(display_name="STRING", tooltip="How near to the full picture that will be."),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, text: str, budget: str) -> bool | str:
        """True, or a sentence that says what to change; linked values are checked on execute."""
        if text is not None and not text.strip():
            return "text is empty: paste or connect the whole text of TAP Calibrate."
        return why_not(budget)

    @classmethod
    def execute(cls, text: str, budget: str) -> io.NodeOutput:
        """The schedule and a sentence; a TapError says what is wrong with the text."""
        calibration, asked = from_text(text), parsed_budget(budget)
        words = expectation(calibration, asked)
        return io.NodeOutput(CalibratedSchedule(calibration, asked), words, ui=ui.PreviewText(words))


def expectation(calibration: Calibration, asked: Budget) -> str:
    """How near the picture of a run like the measured one will be."""
    calls = asked.calls_of(calibration.steps)
    line = calibration.line(calls)
    changed = "" if line.calls == calls else f" The text has no line for {calls} calls; this is its nearest."
    return (f"{line.calls} of {calibration.steps} steps are computed; the picture is expected about "
            f"{line.decibels:.0f} dB from the full one ({_in_words(line.decibels)}), give or take 12; TAP Compare "
            f"measures it.{changed}")


def _in_words(decibels: float) -> str:
    words = {45: "no difference to be seen", 38: "fine detail differs", 30: "details differ"}
    return next((words[least] for least in words if decibels >= least), "another picture in places")
