"""Which token each pixel of a picture belongs to."""

import torch
from torch import Tensor

from ..token_grid import Grid

STRIP = 8  # length over width of a drawn row of tokens, as sound models have it


def enlarge(tokens: Tensor, filled: tuple[float, float], height: int, width: int) -> Tensor:
    """[H, W] -> [height, width]: every pixel takes the value of its token.

    filled: the share of rows and columns that the picture fills; the rest was padding, at the bottom and the right.
    """
    rows = _token_at_pixel(tokens.shape[0], filled[0], height)
    columns = _token_at_pixel(tokens.shape[1], filled[1], width)
    return tokens[rows[:, None], columns[None, :]]


def picture_size(grid: Grid, filled: tuple[float, float], longer: int) -> tuple[int, int]:
    """Height and width of a picture of this grid whose longer side is `longer`; a row of tokens is a strip."""
    height, width = grid[1] * filled[0], grid[2] * filled[1]
    scale = longer / max(height, width)
    least = max(longer // STRIP, 1) if 1 in grid[1:] else 1
    return max(round(height * scale), least), max(round(width * scale), least)


def _token_at_pixel(tokens: int, filled: float, pixels: int) -> Tensor:
    middles = (torch.arange(pixels, dtype=torch.float64) + 0.5) / pixels
    return (middles * tokens * filled).long().clamp_(max=tokens - 1)
