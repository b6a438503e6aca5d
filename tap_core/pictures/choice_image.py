"""The choice map as frames, one per step: the tokens' choices, the legend next to them, all steps below."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from ..errors import TapError
from ..record.record import TapRecord
from .frame_parts import draw_map, draw_message, overlay, picture_of, rgb_tensor, write_on
from .index_maps import MIDDLE_FRAME, index_maps, picture_number, shares, shown_frame
from .legend import draw_legend, legend_size, letters_that_fit
from .lettering import BACKGROUND, even, letters_for
from .map_layers import build_layer
from .map_legend import map_legend
from .step_strip import draw_strip, hatch, mark_step
from .step_view import step_views
from .token_pixels import picture_size

# The longer side of a map without a picture, and the smallest longer side at which a legend can be read.
DEFAULT_SIDE, LEAST_SIDE = 640, 512
# The smallest longer side of a frame with sentences.
LEAST_MESSAGE = 64


@dataclass(frozen=True)
class MapOptions:
    """What is drawn, and how. condition: 0 positive, 1 negative. frame: of a video's tokens, -1 for the middle one.

    size: longer side of the map in pixels, 0 for the picture's own. opacity: of the map over the picture.
    legend: False gives bare maps, without step number and strip.
    """

    layer: str = "predictor"
    condition: int = 0
    batch_index: int = 0
    frame: int = MIDDLE_FRAME
    size: int = 0
    opacity: float = 0.6
    legend: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise TapError(f"opacity is {self.opacity}; set it from 0 to 1.")
        _check_size(self.size)


def draw_choice_map(
    record: TapRecord, options: MapOptions, picture: Tensor | None = None, like: tuple[int, int] | None = None
) -> Tensor:
    """Frames [steps, height, width, 3], values 0 to 1. Raises TapError for an option that does not fit this run.

    picture: [P, H, W, C], drawn below the map; like: height and width of the map when there is no picture.
    """
    if picture is not None and (picture.ndim != 4 or 0 in picture.shape):
        raise TapError(f"The picture has the shape {tuple(picture.shape)}; connect a decoded picture.")
    scene = ChoiceMap(record, options, picture, like)
    frames = None
    for number, frame in enumerate(scene.frames()):
        drawn = rgb_tensor(frame)
        frames = drawn.new_empty(len(scene.views), *drawn.shape) if frames is None else frames
        frames[number] = drawn
    return frames


def draw_no_map(title: str, words: str, size: int = 0) -> Tensor:
    """One frame [1, height, width, 3] with sentences instead of a map. Raises TapError for an impossible size."""
    _check_size(size)
    side = max(size or DEFAULT_SIDE, LEAST_MESSAGE)
    return rgb_tensor(draw_message(title, words, even(0.6 * side), even(side), letters_for(0.6 * side, side)))[None]


def _check_size(size: int) -> None:
    if size < 0:
        raise TapError(f"size is {size}; set it to 0 for the picture's own size, or to more.")


class ChoiceMap:
    """The frames of one run, before they are drawn. index: the class of each shown token at each step."""

    def __init__(
        self, record: TapRecord, options: MapOptions, picture: Tensor | None, like: tuple[int, int] | None
    ) -> None:
        self.record, self.options = record, options
        self.layer = build_layer(options.layer, record)
        self.views = step_views(record, options.condition)
        self.index = index_maps(self.views, self.layer, record.grid, options.batch_index, options.frame)
        self.shares = [None if i is None else shares(i, len(self.layer.classes)) for i in self.index]
        natural = (int(picture.shape[1]), int(picture.shape[2])) if picture is not None else like
        self.height, self.width = self._map_size(natural)
        self.letters = letters_for(self.height, self.width)
        self.picture = None if picture is None else self._picture(picture)

    def frames(self) -> Iterator[Image.Image]:
        """A frame for each step."""
        if not self.options.legend:
            yield from (self.draw_step(number) for number in range(len(self.views)))
            return
        legends = [map_legend(self.record, self.layer, view, self.shares, number, self.options.condition)
                   for number, view in enumerate(self.views)]
        self.letters = letters_that_fit(legends, self.height, self.letters)
        sizes = [legend_size(legend, self.letters) for legend in legends]
        beside = even(self.width + max(width for width, _ in sizes)) - self.width
        height = max(self.height, *(height for _, height in sizes))
        below = even(height + 5.5 * self.letters) - height
        colours = [c.colour for c in self.layer.classes]
        strip = draw_strip(self.shares, colours, self.width + beside, below, self.letters)
        for number, legend in enumerate(legends):
            frame = Image.new("RGB", (self.width + beside, height + below), BACKGROUND)
            frame.paste(self.draw_step(number), (0, (height - self.height) // 2))
            frame.paste(draw_legend(legend, beside, height, self.letters), (self.width, 0))
            frame.paste(mark_step(strip, number, len(self.views), self.letters), (0, height))
            yield frame

    def draw_step(self, number: int) -> Image.Image:
        """The map of one step, over the picture if there is one; stripes and words for a full step."""
        view, index = self.views[number], self.index[number]
        if index is None:
            drawn = hatch(self.width, self.height, max(self.letters, 8))
        else:
            drawn = draw_map(index, self.layer.colours, self.record.filled, self.height, self.width)
        if self.picture is not None:
            drawn = overlay(self.picture, drawn, self.options.opacity)
        return write_on(drawn, view.status, round(1.3 * self.letters)) if index is None else drawn

    def _map_size(self, natural: tuple[int, int] | None) -> tuple[int, int]:
        """Height and width of the map."""
        longer = self.options.size
        if natural is None:
            return picture_size(self.record.grid, self.record.filled, longer or DEFAULT_SIDE)
        least = LEAST_SIDE if self.options.legend else 1
        scale = (longer or max(*natural, least)) / max(natural)
        return max(round(natural[0] * scale), 1), max(round(natural[1] * scale), 1)

    def _picture(self, pictures: Tensor) -> Image.Image:
        """The picture of the shown batch entry, or of the shown moment of a video."""
        batch = min((len(view.choices.member) for view in self.views if view.choices), default=1)
        frame = shown_frame(self.record.grid, self.options.frame)
        number = picture_number(len(pictures), self.record.grid, batch, self.options.batch_index, frame)
        return picture_of(pictures, number, self.height, self.width)
