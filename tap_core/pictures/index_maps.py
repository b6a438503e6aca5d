"""The class of every token at every step, as small index pictures; all views are drawn from these."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import TapError
from ..token_grid import Grid, to_grid
from .map_layers import Layer
from .step_view import StepView

MIDDLE_FRAME = -1


def index_maps(
    views: Sequence[StepView], layer: Layer, grid: Grid, batch_index: int = 0, frame: int = MIDDLE_FRAME
) -> list[Tensor | None]:
    """A map [H, W] int64 of layer classes for each step; None where nothing was forecast.

    batch_index: which picture of the batch; frame: which frame of a video's tokens.
    Raises TapError if there is no such picture or frame.
    """
    return [v.choices and _index_map(layer.classify(v.choices), grid, batch_index, frame) for v in views]


def shares(index: Tensor, classes: int) -> list[float]:
    """The share of each class among the tokens of a map."""
    counts = torch.bincount(index.flatten(), minlength=classes)
    return (counts / max(index.numel(), 1)).tolist()


def shown_frame(grid: Grid, frame: int) -> int:
    """The number of the shown frame; MIDDLE_FRAME gives the middle one. Raises TapError if there is no such frame."""
    if frame == MIDDLE_FRAME:
        return grid[0] // 2
    if not 0 <= frame < grid[0]:
        raise TapError(f"frame is {frame}, but the run has {grid[0]} frames of tokens; set 0 to {grid[0] - 1}, or -1.")
    return frame


def picture_number(count: int, grid: Grid, batch: int, number: int, frame: int) -> int:
    """Which of `count` decoded pictures is picture `number` of a batch; of a video, at a frame of its tokens."""
    if grid[0] == 1:
        return min(number, count - 1)
    each = count if count % batch else count // batch  # a node may have put together other frames than the run's
    first = number * each if each < count else 0
    return first + round(frame * (each - 1) / (grid[0] - 1))


def _index_map(classes: Tensor, grid: Grid, batch_index: int, frame: int) -> Tensor:
    if not 0 <= batch_index < classes.shape[0]:
        raise TapError(
            f"batch_index is {batch_index}, but the run made {classes.shape[0]} picture(s); "
            f"set it from 0 to {classes.shape[0] - 1}."
        )
    return to_grid(classes[batch_index], grid)[shown_frame(grid, frame)]
