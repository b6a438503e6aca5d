"""Where a token lies on the picture: T frames, H rows, W columns, numbered along a row, row by row, frame by frame."""

from torch import Tensor

from .errors import TapError

Grid = tuple[int, int, int]


def to_grid(tokens: Tensor, grid: Grid) -> Tensor:
    """[..., N] -> [..., T, H, W]. Raises TapError if the sizes disagree."""
    frames, rows, columns = grid
    if tokens.shape[-1] != frames * rows * columns:
        raise TapError(
            f"The record holds {tokens.shape[-1]} tokens, its grid {frames} x {rows} x {columns} has "
            f"{frames * rows * columns}. Run the sampler again."
        )
    return tokens.unflatten(-1, grid)


def to_tokens(grid: Tensor) -> Tensor:
    """[..., T, H, W] -> [..., N]."""
    return grid.flatten(-3)
