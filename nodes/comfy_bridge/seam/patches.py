"""Pictures and videos cut into patches, one for each token, row by row."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from ....tap_core.token_grid import Grid


def patch_grid(latent: Tensor, patch: Sequence[int]) -> Grid:
    """Frames, rows and columns of patches in a latent [B, C, (T,) H, W]; sizes are padded up to whole patches."""
    sizes = (1, 1, 1, *latent.shape[2:])[-3:]
    frames, rows, columns = (-(-size // step) for size, step in zip(sizes, (1, 1, 1, *patch)[-3:], strict=True))
    return frames, rows, columns


def filled_share(latent: Tensor, patch: Sequence[int], grid: Grid) -> tuple[float, float]:
    """The share of the grid's rows and columns that the latent fills, below 1 where an odd size was padded."""
    sizes = (1, 1, *latent.shape[2:])[-2:]
    rows, columns = (
        size / (count * step) if size > 1 else 1.0
        for size, count, step in zip(sizes, grid[1:], patch[-2:], strict=True)
    )
    return rows, columns


def to_patches(picture: Tensor, grid: Grid) -> Tensor:
    """[B, C, (T,) H, W] -> [B, N, C * patch]; edges are padded with the values next to them."""
    batch, channels = picture.shape[:2]
    sizes = (1, 1, 1, *picture.shape[2:])[-3:]
    steps = [-(-size // count) for size, count in zip(sizes, grid, strict=True)]
    whole = picture.reshape(batch, channels, *sizes)
    missing = [count * step - size for count, step, size in zip(grid, steps, sizes, strict=True)]
    if any(missing):
        whole = functional.pad(whole, (0, missing[2], 0, missing[1], 0, missing[0]), mode="replicate")
    cut = whole.reshape(batch, channels, grid[0], steps[0], grid[1], steps[1], grid[2], steps[2])
    return cut.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(batch, grid[0] * grid[1] * grid[2], -1)


def from_patches(tokens: Tensor, grid: Grid, shape: Sequence[int]) -> Tensor:
    """[B, N, C * patch] -> a picture or video of this shape [B, C, (T,) H, W]."""
    sizes = (1, 1, 1, *shape[2:])[-3:]
    steps = [-(-size // count) for size, count in zip(sizes, grid, strict=True)]
    cut = tokens.reshape(tokens.shape[0], *grid, shape[1], *steps).permute(0, 4, 1, 5, 2, 6, 3, 7)
    whole = cut.reshape(tokens.shape[0], shape[1], *(count * step for count, step in zip(grid, steps, strict=True)))
    return whole[:, :, : sizes[0], : sizes[1], : sizes[2]].reshape(shape)
