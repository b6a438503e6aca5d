"""Which tokens a step that is computed in part computes."""

import math

import pytest
import torch
from tap_pack.tap_core.schedules.unstable_tokens import CELL, kept_tokens, unstable_tokens

GRID = (2, 7, 8)
TOKENS = math.prod(GRID)


@pytest.mark.parametrize("step", [0, 1, 5])
def test_one_token_of_each_whole_cell_is_kept(step: int) -> None:
    kept = kept_tokens(GRID, step).view(GRID)
    for row in range(0, GRID[1] - CELL + 1, CELL):
        for column in range(0, GRID[2] - CELL + 1, CELL):
            assert kept[:, row : row + CELL, column : column + CELL].flatten(1).sum(1).tolist() == [1, 1]


def test_every_token_is_kept_once_in_nine_steps() -> None:
    assert sum(kept_tokens(GRID, step).int() for step in range(3, 12)).eq(1).all()


def test_tokens_whose_mean_is_above_0_in_any_picture_are_computed() -> None:
    """A value of one channel does not decide, and what is not a number is not stable."""
    criterion = -torch.ones(2, TOKENS, 4)
    criterion[0, 11], criterion[1, 50] = 0.5, 0.5
    criterion[1, 60, 0] = 2.9
    criterion[1, 61, 0] = math.nan
    criterion[0, 62] = 0
    computed = unstable_tokens(criterion, GRID, 4)
    assert (computed & ~kept_tokens(GRID, 4)).nonzero().flatten().tolist() == [11, 50, 61]
    assert (kept_tokens(GRID, 4) & ~computed).sum() == 0
