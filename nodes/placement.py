"""TAP Placement: makes a schedule from the text of a calibration."""

from comfy_api.latest import io, ui

from ..tap_core.calibrate.budget import parsed_budget
from ..tap_core.calibrate.calibrated import CalibratedSchedule
from ..tap_core.calibrate.text import from_text
from .inputs.budget import budget_input, expectation, learned_values, why_not
from .inputs.sockets import learned_outputs, schedule_output


class TapPlacement(io.ComfyNode):
    """Computes the steps that help the picture most within a budget, as a calibration found them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapPlacement",
            display_name="TAP Placement",
            category="tap/calibration",
            description="Takes the best steps for your budget from a text that TAP Calibrate made for the model. "
            "Connect it to schedule of TAP Accelerate. A run with another number of steps, or another "
            "scheduler, takes the steps whose noise levels are closest.",
            search_aliases=["tap", "calibrated", "budget", "schedule"],
            inputs=[
                io.String.Input("text", multiline=True, default="",
                                tooltip="The whole text of TAP Calibrate, pasted or connected."),
                budget_input(),
            ],
            outputs=[
                schedule_output(),
                io.String.Output(display_name="STRING", tooltip="The expected closeness to the full picture."),
                *learned_outputs(),
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
        """The schedule, a sentence, weights and sigmas; a TapError says what is wrong with the text."""
        calibration, asked = from_text(text), parsed_budget(budget)
        words = expectation(calibration, asked)
        learned = learned_values(calibration, asked)
        return io.NodeOutput(CalibratedSchedule(calibration, asked), words, *learned, ui=ui.PreviewText(words))
