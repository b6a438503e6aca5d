"""TAP Calibrate: finds in one or several full runs where computed steps help the picture most."""

from comfy_api.latest import io

from ..tap_core.calibrate.budget import parsed_budget
from ..tap_core.calibrate.calibrate import PlannedRun, calibrate
from ..tap_core.calibrate.calibrated import CalibratedSchedule
from ..tap_core.calibrate.moved_sigmas import MOVES, OFF
from ..tap_core.calibrate.text import to_text
from ..tap_core.pictures.calibration_image import Row, draw_calibration
from ..tap_core.sampling.pool_settings import PoolSettings
from .comfy_bridge.progress import progress_bar
from .inputs.budget import budget_input, expectation, learned_values, why_not
from .inputs.forecasting import choice_input, horizon_inputs, horizon_step_input, why_no_pool
from .inputs.sockets import TAP_POOL, learned_outputs, schedule_output
from .inputs.trace import another_run, trace_input, trace_of
from .inputs.view import after_input


class TapCalibrate(io.ComfyNode):
    """Places full steps by dynamic programming on the errors that the pool would make in the measured runs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapCalibrate",
            display_name="TAP Calibrate",
            category="tap/calibration",
            description="Finds which steps to compute so that the picture is closest, for a given number of computed "
            "steps. It learns this from runs that TAP Measure Run watched. Save its text and give it to TAP "
            "Placement: it then works for other prompts and seeds. One run is enough; a second run with another "
            "prompt makes it a little better.",
            search_aliases=["tap", "optimal", "schedule", "placement"],
            inputs=[
                trace_input(), after_input(), budget_input(), *_pool_inputs(),
                *another_run(2), *another_run(3), *_learning_inputs(),
            ],
            outputs=[
                schedule_output(),
                io.String.Output(display_name="STRING", tooltip="The calibration as text, for TAP Placement."),
                io.Image.Output(display_name="IMAGE", tooltip="Which steps are computed, and the expected closeness."),
                *learned_outputs(),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(
        cls, budget: str, orders: str, horizon_from: int, horizon_to: int, horizon_step: float
    ) -> bool | str:
        """True, or a sentence that says what to change; linked values are checked on execute."""
        good = why_not(budget)
        return why_no_pool(orders, horizon_from, horizon_to, horizon_step) if good is True else good

    @classmethod
    def execute(
        cls, trace: object, after: object, budget: str, orders: str, horizon_from: int, horizon_to: int,
        proxy_loss: str, horizon_step: float, time_axis: str, correction: str, trust: str,
        predictors: PoolSettings | None = None,
        trace_2: object = None, trace_3: object = None, after_2: object = None, after_3: object = None,
        learn_weights: bool = False, move_sigmas: str = OFF,
    ) -> io.NodeOutput:
        """Schedule, text, picture, weights and sigmas; a TapError says what to change."""
        others = [holder for holder in (trace_2, trace_3) if holder is not None]
        traces = [trace_of(holder) for holder in (trace, *others)]
        own = PoolSettings(orders=orders, horizon_from=horizon_from, horizon_to=horizon_to, horizon_step=horizon_step)
        asked = parsed_budget(budget)
        calls = asked.calls_of(traces[0].steps)
        wanted = PlannedRun(predictors or own, proxy_loss, time_axis, calls, correction == "on", trust == "learned",
                            learn_weights, move_sigmas)
        found = calibrate(traces, wanted, progress_bar())
        text = to_text(found)
        chosen = found.line(wanted.calls)
        rows = [Row(line.full, line.decibels, line is chosen) for line in found.lines]
        picture = draw_calibration(found.model, found.sigmas, rows)
        # The browser saves the last one of the node's texts.
        shown = {"text": [expectation(found, asked), text]}
        schedule = CalibratedSchedule(found, asked)
        return io.NodeOutput(schedule, text, picture, *learned_values(found, asked), ui=shown)


def _pool_inputs() -> list[io.Input]:
    def as_there(name: str) -> io.Input:
        return choice_input(name, advanced=True, tooltip="Set it as in the TAP Accelerate that will use the placement.")

    return [
        as_there("orders"), *horizon_inputs(), as_there("proxy_loss"), horizon_step_input(), as_there("time_axis"),
        as_there("correction"), as_there("trust"),
        TAP_POOL.Input("predictors", optional=True,
                       tooltip="From TAP Predictor Pool, if you will connect it to TAP Accelerate too. It replaces "
                       "orders and the horizons."),
    ]


def _learning_inputs() -> list[io.Input]:
    return [
        io.Boolean.Input(
            "learn_weights", default=False, optional=True, advanced=True,
            tooltip="On learns, for the number of steps in budget, how to forecast from the last three computed steps "
            "(L2P). The weights are in TAP_POOL and in the text. Pictures of small models came up to 6 dB closer with "
            "them, or up to 4 dB less close: measure it before you keep it.",
        ),
        io.Combo.Input(
            "move_sigmas", options=list(MOVES), default=OFF, optional=True, advanced=True,
            tooltip="Moves the sampler's noise levels so that they suit the computed steps (BudCache). skipped moves "
            "those of the forecast steps, all moves the others, too. They are in SIGMAS and in the text. Without "
            "guidance the picture is mostly less close then.",
        ),
    ]
