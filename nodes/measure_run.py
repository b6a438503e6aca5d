"""TAP Measure Run: computes a run in full and keeps a trace, which tells where full steps help most."""

from comfy_api.latest import io

from ..tap_core.calibrate.trace_holder import TraceHolder
from ..tap_core.sampling.pool_settings import PoolSettings
from ..tap_core.schedule import AnySchedule
from .comfy_bridge.run.measuring import MeasuringPatch
from .inputs.forecasting import choice_input
from .inputs.sockets import TAP_POOL, TAP_SCHEDULE, TAP_TRACE


class TapMeasureRun(io.ComfyNode):
    """Computes every step and keeps a trace for TAP Calibrate; without a schedule bit-identical to no node at all."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapMeasureRun",
            display_name="TAP Measure Run",
            category="tap/calibration",
            description="Watches one run in which every step is computed; the picture is the usual one. Put the node "
            "between the model loader and the sampler, and give its TAP_TRACE to TAP Calibrate. One run is enough for "
            "a model and its settings.",
            search_aliases=["tap", "calibrate", "profile", "trace"],
            inputs=[
                io.Model.Input("model", tooltip="The model that you want to make faster later."),
                choice_input(
                    "target", advanced=True,
                    tooltip="Makes the trace fit a later TAP Accelerate. Choose the target that you will set there.",
                ),
                TAP_SCHEDULE.Input(
                    "schedule", optional=True, advanced=True,
                    tooltip="For learn_weights of TAP Calibrate. The picture then takes the forecasts of these steps, "
                    "as it will with TAP Accelerate, and each is computed beside that only to be measured.",
                ),
                TAP_POOL.Input(
                    "predictors", optional=True, advanced=True,
                    tooltip="Makes those forecasts. Connect what TAP Accelerate will have. Used only with schedule.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="MODEL", tooltip="The same model, for the sampler."),
                TAP_TRACE.Output(display_name="TAP_TRACE", tooltip="For TAP Calibrate and TAP Fit Tables."),
            ],
            # ComfyUI shares one output between nodes with equal inputs, and two runs need two traces.
            not_idempotent=True,
        )

    @classmethod
    def execute(
        cls, model: io.Model.Type, target: str, schedule: AnySchedule | None = None,
        predictors: PoolSettings | None = None,
    ) -> io.NodeOutput:
        """A clone with the measuring wrappers; the trace is there after a sampler has run it."""
        holder, measured = TraceHolder(), model.clone()
        MeasuringPatch(target, holder, schedule, predictors).install(measured)
        return io.NodeOutput(measured, holder)
