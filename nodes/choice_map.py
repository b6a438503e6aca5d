"""TAP Choice Map: draws which predictor every token used, one picture for each step."""

from comfy_api.latest import io, ui
from torch import Tensor

from ..tap_core.pictures.choice_image import MapOptions, draw_choice_map, draw_no_map
from ..tap_core.pictures.map_layers import LAYERS
from ..tap_core.pictures.step_view import PROMPTS, condition_of
from ..tap_core.record.holder import RecordHolder
from ..tap_core.record.summary import why_no_map
from .inputs.view import after_input, check_holder, record_input, why_no_run


class TapChoiceMap(io.ComfyNode):
    """Paints every token of every skipped step in the colour of the predictor that forecast it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapChoiceMap",
            display_name="TAP Choice Map",
            category="tap",
            description="Shows which predictor was used in each part of the picture: one frame for each step, with "
            "legend and step number, and all steps below. Striped frames are computed steps.",
            search_aliases=["tap", "visualize", "heatmap", "tokens", "predictor map", "preview"],
            inputs=[record_input(), after_input(), *_drawing_inputs()],
            outputs=[io.Image.Output(display_name="IMAGE", tooltip="The frames, one for each step.")],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        record: RecordHolder,
        after: object,
        layer: str = "predictor",
        picture: Tensor | None = None,
        opacity: float = 0.6,
        size: int = 0,
        legend: bool = True,
        prompt: str = PROMPTS[0],
        batch_index: int = 0,
        frame: int = -1,
    ) -> io.NodeOutput:
        """The frames as output and on the node; one frame with a sentence if there is nothing to map."""
        found = check_holder(record).latest
        if found is None:
            frames = draw_no_map("No run yet", why_no_run(record), size)
        elif not any(e.choices for e in found.evaluations):
            frames = draw_no_map("No map", why_no_map(found), size)
        else:
            options = MapOptions(layer, condition_of(prompt), batch_index, frame, size, opacity, legend)
            frames = draw_choice_map(found, options, picture, _size_of(after))
        return io.NodeOutput(frames, ui=ui.PreviewImage(frames, cls=cls))


def _size_of(after: object) -> tuple[int, int] | None:
    """Height and width of the picture at `after`; None for a latent."""
    return (int(after.shape[1]), int(after.shape[2])) if isinstance(after, Tensor) else None


def _drawing_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "layer", options=list(LAYERS), default="predictor", optional=True,
            tooltip="Changes what the colours mean: the predictor of each token, its order (reuse, line, curve), how "
            "far ahead it looked (horizon), or its error on the probe (loss).",
        ),
        io.Image.Input("picture", optional=True, tooltip="Lays the map over this picture. Connect the decoded "
        "picture."),
        io.Float.Input(
            "opacity", default=0.6, min=0.0, max=1.0, step=0.05, optional=True, display_mode=io.NumberDisplay.slider,
            tooltip="Higher hides more of the picture below the map. It does nothing without a picture.",
        ),
        io.Int.Input(
            "size", default=0, min=0, max=4096, step=8, optional=True,
            tooltip="Higher draws larger frames, which take more memory. It is the map's longer side in pixels. 0 "
            "takes the picture's size.",
        ),
        io.Boolean.Input(
            "legend", default=True, optional=True, advanced=True,
            tooltip="Off leaves only the map, in the picture's size, for your own overlays.",
        ),
        io.Combo.Input(
            "prompt", options=list(PROMPTS), default=PROMPTS[0], optional=True, advanced=True,
            tooltip="Shows the choices for the positive or for the negative prompt. Tokens choose separately for each "
            "prompt.",
        ),
        io.Int.Input(
            "batch_index", default=0, min=0, max=4095, optional=True, advanced=True,
            tooltip="Shows this picture of the batch, counted from 0.",
        ),
        io.Int.Input(
            "frame", default=-1, min=-1, max=4095, optional=True, advanced=True,
            tooltip="Shows this frame of a video's tokens, counted from 0; -1 is the middle one.",
        ),
    ]
