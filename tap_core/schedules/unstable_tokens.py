"""Which tokens a step that is computed in part computes: those where the criterion is not met, and a few more."""

import torch
from torch import Tensor

from ..token_grid import Grid, to_tokens

# One token of each cell of so many rows and columns is computed in any case, so that attention sees all of the picture.
CELL = 3
# The place in the cell moves by so many tokens from step to step, and comes by all of them.
MOVES = 4


def unstable_tokens(criterion: Tensor, grid: Grid, step: int) -> Tensor:
    """[N] whether a token is computed, on the processor. criterion: [B, N, C], above 0 where the path is not stable.

    SADA's token-wise pruning (Jiang et al. 2025, arXiv 2507.17135): the mean over a token's values decides. Its code
    computes at most 5 * 1024 of these on SD2, 10 * 1024 on SDXL and none on FLUX, and counts a mean of exactly 0 among
    them; here all above 0 are computed. It draws the token of each cell at random; here the place moves with the step,
    so that a run can be made again. The pictures of a batch are computed at the same tokens, those of any of them.
    Values that are not numbers are not stable. This waits for the device.
    """
    unstable = ~(criterion.float().mean(-1) <= 0)
    return unstable.any(0).cpu() | kept_tokens(grid, step)


def kept_tokens(grid: Grid, step: int) -> Tensor:
    """[N] whether it is the token of its cell that is computed at this step in any case."""
    place = MOVES * step % CELL**2
    rows, columns = (torch.arange(size) % CELL for size in grid[1:])
    kept = (rows == place // CELL)[:, None] & (columns == place % CELL)
    return to_tokens(kept.expand(grid))
