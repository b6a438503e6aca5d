"""Tokens are drawn on the picture where the model saw them."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pictures.token_pixels import enlarge, picture_size
from tap_pack.tap_core.token_grid import to_grid, to_tokens


def test_tokens_run_along_rows_then_down_then_through_the_frames() -> None:
    grid = to_grid(torch.arange(24), (2, 3, 4))
    assert grid[0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert grid[1, 0].tolist() == [12, 13, 14, 15]


def test_the_way_back_gives_the_same_tokens() -> None:
    tokens = torch.randn(2, 24)
    assert torch.equal(to_tokens(to_grid(tokens, (2, 3, 4))), tokens)


def test_a_grid_of_another_size_is_refused() -> None:
    with pytest.raises(TapError, match="23 tokens, its grid 2 x 3 x 4 has 24"):
        to_grid(torch.arange(23), (2, 3, 4))


def test_every_token_becomes_a_block_of_pixels() -> None:
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    enlarged = enlarge(tokens, (1.0, 1.0), 4, 9)
    assert torch.equal(enlarged, tokens.repeat_interleave(2, 0).repeat_interleave(3, 1))


@pytest.mark.parametrize(("height", "width"), [(3, 5), (24, 40), (264, 248), (257, 129)])
def test_on_an_odd_size_the_padding_is_cut_off_below_and_at_the_right(height: int, width: int) -> None:
    """A latent of 33 x 31, patches of 2: 17 x 16 tokens; the last row and column are half padding."""
    tokens = torch.arange(17 * 16).view(17, 16)
    enlarged = enlarge(tokens, (33 / 34, 31 / 32), height, width)
    for y in range(height):
        for x in range(width):
            latent = (y + 0.5) / height * 33, (x + 0.5) / width * 31
            assert enlarged[y, x] == tokens[int(latent[0] / 2), int(latent[1] / 2)]


def test_a_map_without_a_picture_has_the_shape_of_what_was_sampled() -> None:
    assert picture_size((1, 17, 16), (33 / 34, 31 / 32), 330) == (330, 310)
    assert picture_size((9, 4, 8), (1.0, 1.0), 640) == (320, 640)
