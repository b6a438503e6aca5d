"""TAP Choice Map Viewer: shows the choices of every token in the browser, to drag through, play and point at."""

import secrets
from pathlib import Path

import folder_paths
from comfy_api.latest import io
from torch import Tensor

from ..tap_core.errors import TapError
from ..tap_core.pictures.viewer_data import ViewerData, message_data, shape_note, viewer_data
from ..tap_core.pictures.viewer_files import write_viewer_files
from ..tap_core.record.holder import RecordHolder
from .inputs.view import after_input, check_holder, record_input, why_no_run

SUBFOLDER = "tap"


class TapChoiceMapViewer(io.ComfyNode):
    """Gives the maps of the last run to the browser: index images and a document in ComfyUI's temp folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapChoiceMapViewer",
            display_name="TAP Choice Map Viewer",
            category="tap",
            description="Shows on the node where the picture was easy or hard to forecast, and how every part of it "
            "was forecast. Drag through the steps or play them, point at a token to read what it chose, click the "
            "legend to see only one choice. Connect the decoded picture to `after` to see the map over it.",
            search_aliases=["tap", "visualize", "heatmap", "tokens", "predictor map", "interactive", "player"],
            inputs=[record_input(), after_input()],
            outputs=[],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, record: RecordHolder, after: object) -> io.NodeOutput:
        """Writes the files of the last run; `tap_choice_map` in the ui names its document."""
        pictures = after if isinstance(after, Tensor) else None
        data = _data_of(check_holder(record), pictures, secrets.token_hex(8))
        name = write_viewer_files(data, Path(folder_paths.get_temp_directory()) / SUBFOLDER, pictures)
        return io.NodeOutput(ui={"tap_choice_map": [{"filename": name, "subfolder": SUBFOLDER, "type": "temp"}]})


def _data_of(record: RecordHolder, pictures: Tensor | None, run: str) -> ViewerData:
    found = record.latest
    if found is None:
        return message_data(why_no_run(record), run)
    try:
        data = viewer_data(found, run)
    except TapError as error:
        return message_data(str(error), run)
    if pictures is not None and "grid" in data.document:
        note = shape_note(found, int(pictures.shape[1]), int(pictures.shape[2]))
        data.document.update({"note": note} if note else {})
    return data
