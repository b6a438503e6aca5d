"""TapDemoScene: conditioning for the demo FLUX, chosen by what is in the picture."""

from __future__ import annotations

from comfy_api.latest import io

from ..demo.conditioning import CHOICES, DEFAULT_SCENE, SLIDERS, Conditioning, encode_empty, encode_scene

TOOLTIPS = {
    "time": "The light: rosy dawn, bright day, glowing sunset or a starry night with a moon.",
    "season": "The colours: blossom in spring, green in summer, rust in autumn, snow in winter.",
    "land": "What stands at the horizon: mountains, hills, mesas or a city with windows.",
    "ground": "What lies in front: a meadow with a path, or a lake that mirrors everything above it.",
    "landmark": "What the picture is about: a building, a balloon in the sky, or none.",
    "trees": "Which trees grow here: pines, round crowns or none.",
    "weather": "What is in the air: a clear sky, clouds, or mist over the horizon.",
    "sun_position": "Moves the sun or moon from the left edge (0) to the right edge (1).",
    "landmark_position": "Moves the landmark from the left edge (0) to the right edge (1).",
    "tree_amount": "Fewer (0) or more (1) trees. It does nothing where trees is none.",
}


class TapDemoScene(io.ComfyNode):
    """Describes a scene to the demo model that comes with this pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """One list for each choice, one slider for each amount."""
        choices = [
            io.Combo.Input(name, options=list(options), default=DEFAULT_SCENE[name], tooltip=TOOLTIPS[name])
            for name, options in CHOICES.items()
        ]
        sliders = [
            io.Float.Input(
                name,
                default=DEFAULT_SCENE[name],
                min=0.0,
                max=1.0,
                step=0.01,
                display_mode=io.NumberDisplay.slider,
                tooltip=TOOLTIPS[name],
            )
            for name in SLIDERS
        ]
        return io.Schema(
            node_id="TapDemoScene",
            display_name="TAP Demo Scene",
            category="tap",
            description="Describes a picture to the demo model that comes with this pack. No download is needed.",
            search_aliases=["demo", "prompt", "scene", "landscape"],
            inputs=[*choices, *sliders],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive", tooltip="The scene. Connect it to the sampler's positive input."
                ),
                io.Conditioning.Output(
                    display_name="negative", tooltip="No special scene. Connect it to the sampler's negative input."
                ),
            ],
        )

    @classmethod
    def execute(cls, **scene: str | float) -> io.NodeOutput:
        """Conditioning of the scene and of no scene."""
        return io.NodeOutput(as_comfy(encode_scene(scene)), as_comfy(encode_empty()))


def as_comfy(code: Conditioning) -> list[list]:
    """Context [1, T, D] and pooled [1, D] in the form of ComfyUI's CONDITIONING."""
    context, pooled = code
    return [[context, {"pooled_output": pooled}]]
