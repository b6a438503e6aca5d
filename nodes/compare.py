"""TAP Compare: how close a picture is to the full one of the same seed: a verdict, figures, a wipe and a map."""

import secrets
from itertools import count
from pathlib import Path

import folder_paths
from comfy_api.latest import io, ui
from torch import Tensor

from ..tap_core.pictures.comparison import COLOURS, Tick, compare, why_not_comparable
from ..tap_core.pictures.comparison_words import comparison_words
from ..tap_core.pictures.difference_image import draw_difference, draw_why_not
from ..tap_core.pictures.difference_scale import DifferenceScale
from ..tap_core.pictures.told import Told, told_of
from ..tap_core.pictures.wipe_files import write_pairs
from ..tap_core.record.holder import RecordHolder
from .comfy_bridge.progress import progress_bar
from .inputs.sockets import TAP_RECORD
from .inputs.view import check_holder

SUBFOLDER = "tap"
ALPHA = "Transparency is not compared."


class TapCompare(io.ComfyNode):
    """A verdict on two pictures or videos, its figures, a wipe between them, and where they differ."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapCompare",
            display_name="TAP Compare",
            category="tap",
            description="Tells how close two pictures or videos of the same seed are: first in words, then as PSNR "
            "and SSIM. Drag the line to wipe from one to the other. A map shows where they differ.",
            search_aliases=["tap", "psnr", "ssim", "difference", "quality", "diff", "metrics", "wipe", "slider",
                            "before after"],
            inputs=[
                io.Image.Input("picture", tooltip="The picture to judge. Connect the one made with TAP."),
                io.Image.Input("reference", tooltip="The picture to compare with. Connect the same seed with every "
                               "step computed. A single picture here is compared with every frame of the other."),
                io.Image.Input("other_seed", optional=True, tooltip="Shows what the figures are worth. Connect a full "
                               "run of another seed: its figures against the reference are shown too."),
                io.Int.Input("amplify", default=0, min=0, max=1000, optional=True,
                             tooltip="0 shows every map on one scale, so that maps can be compared. A number shows "
                             "the differences that many times stronger; the figures stay."),
                TAP_RECORD.Input("record", optional=True, tooltip="The run that made the picture. The words then say "
                                 "how close TAP had told it to be. After three seeds they say what to set, and a "
                                 "button sets it."),
            ],
            outputs=[
                io.String.Output(display_name="STRING", tooltip="The verdict, and the figures below it."),
                io.Image.Output(display_name="IMAGE", tooltip="The difference map, one frame a picture."),
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, picture: Tensor, reference: Tensor, other_seed: Tensor | None = None, amplify: int = 0,
        record: RecordHolder | None = None,
    ) -> io.NodeOutput:
        """Words and map; `tap_compare` in the ui: the words, the files of the wipe, what to set."""
        holder = None if record is None else check_holder(record)
        node = cls.hidden.unique_id if cls.hidden else ""
        words, frames, told = compared(picture, reference, other_seed, amplify, holder, node)
        pairs = [] if why_not_comparable(picture, reference) else _pairs(picture, reference)
        verdict, _, figures = words.partition("\n")
        shown = {**ui.PreviewText(words).as_dict(), **ui.PreviewImage(frames, cls=cls).as_dict()}
        setting = told and told.setting
        shown["tap_compare"] = [{"verdict": verdict, "figures": figures, "pairs": pairs, "closer_than_told": setting}]
        return io.NodeOutput(words, frames, ui=shown)


def compared(
    picture: Tensor, reference: Tensor, other_seed: Tensor | None, amplify: int, record: RecordHolder | None = None,
    node: str = "",
) -> tuple[str, Tensor, Told | None]:
    """The words, the frames, and what the run had told; a sentence in both where there is nothing to compare."""
    why_not = why_not_comparable(picture, reference)
    if why_not is None and other_seed is not None:
        why_not = why_not_comparable(other_seed, reference, "other_seed")
    if why_not is not None:
        return why_not, draw_why_not(why_not), None
    tick = _ticking(picture, reference, other_seed)
    found = compare(picture, reference, tick)
    floor = None if other_seed is None else compare(other_seed, reference, tick)
    told = None if record is None else told_of(found, record, node)
    words = comparison_words(found, floor, told)
    if max(picture.shape[3], reference.shape[3]) > COLOURS:
        words = f"{words.removesuffix('.')}. {ALPHA}"
    return words, draw_difference(picture, reference, found, words, DifferenceScale(amplify), tick), told


def _pairs(picture: Tensor, reference: Tensor) -> list[list[dict[str, str]]]:
    """Where the browser finds each picture and its reference."""
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    names = write_pairs(picture, reference, folder, secrets.token_hex(8))
    return [[{"filename": name, "subfolder": SUBFOLDER, "type": "temp"} for name in pair] for pair in names]


def _ticking(picture: Tensor, reference: Tensor, other_seed: Tensor | None) -> Tick:
    """Moves the node's bar by one frame: each is compared, compared again with the other seed, and drawn."""
    frames = 2 * max(len(picture), len(reference))
    if other_seed is not None:
        frames += max(len(other_seed), len(reference))
    report, done = progress_bar(), count(1)
    return lambda: report(next(done) / frames)
