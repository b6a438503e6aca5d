"""TAP Method: gives a published method by its name."""

from comfy_api.latest import io

from ..tap_core.errors import TapError
from ..tap_core.sampling.methods import METHODS
from .comfy_bridge.adapters.architecture import architecture
from .inputs.sockets import TAP_POOL, schedule_output


class TapMethod(io.ComfyNode):
    """The predictors and the schedule of a named method, with its paper's settings."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapMethod",
            display_name="TAP Method",
            category="tap",
            description="The predictors and the schedule of a published method, with its authors' settings. Connect "
            "both outputs to TAP Accelerate. To reproduce the method, also set there target residual, correction off, "
            "trust full and probe_stride 1. To change a setting, use TAP Predictor Pool and TAP Schedule instead.",
            search_aliases=[name.lower() for name in METHODS],
            inputs=[
                io.Combo.Input(
                    "method", options=list(METHODS), default="TAP",
                    tooltip=" ".join(f"{name}: {method.about}" for name, method in METHODS.items()),
                ),
                io.Model.Input(
                    "model", optional=True,
                    tooltip="Some settings differ by model: connect yours. Without it the settings are those for FLUX.",
                ),
            ],
            outputs=[
                TAP_POOL.Output(display_name="TAP_POOL", tooltip="For TAP Accelerate's predictors input."),
                schedule_output(),
            ],
        )

    @classmethod
    def execute(cls, method: str, model: io.Model.Type | None = None) -> io.NodeOutput:
        """Pool settings and schedule; a TapError says so if the method has none for the model."""
        chosen = METHODS.get(method)
        if chosen is None:
            raise TapError(f"There is no method called {method!r}; choose one of {', '.join(METHODS)}.")
        return io.NodeOutput(chosen.pool, chosen.schedule("FLUX" if model is None else architecture(model)))
