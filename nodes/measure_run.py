"""TAP Measure Run: a run in full whose trace says where full steps pay."""

from comfy_api.latest import io

from .comfy_bridge.run.measuring import MeasuringPatch, TraceHolder
from .inputs.forecasting import choice_input
from .inputs.sockets import TAP_TRACE


class TapMeasureRun(io.ComfyNode):
    """Computes every step, bit-identical to no node at all, and keeps a trace for TAP Calibrate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapMeasureRun",
            display_name="TAP Measure Run",
            category="tap/calibration",
            description="Watches one run that is computed in full: the picture is the usual one. Put it between model "
            "loader and sampler and give its TAP_TRACE to TAP Calibrate, once for a model and its settings.",
            search_aliases=["tap", "calibrate", "profile", "trace"],
            inputs=[
                io.Model.Input("model", tooltip="The model that is to be made faster later."),
                choice_input(
                    "target", advanced=True,
                    tooltip="Makes the trace fit a later TAP Accelerate: choose what its target will be.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="MODEL", tooltip="The same model, for the sampler."),
                TAP_TRACE.Output(display_name="TAP_TRACE", tooltip="For TAP Calibrate and TAP Fit Tables."),
            ],
            # ComfyUI gives nodes with equal inputs one output, and the traces of two runs must not be one.
            not_idempotent=True,
        )

    @classmethod
    def execute(cls, model: io.Model.Type, target: str) -> io.NodeOutput:
        """A clone with the measuring wrappers; the trace is there once a sampler has run it."""
        holder, measured = TraceHolder(), model.clone()
        MeasuringPatch(target, holder).install(measured)
        return io.NodeOutput(measured, holder)
