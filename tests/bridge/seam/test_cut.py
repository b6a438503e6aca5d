"""Latents of every shape that samplers use are cut into tokens and put together again."""

from __future__ import annotations

import pytest
import torch
from tap_pack.nodes.comfy_bridge.seam.cut import cut_of, parts_of
from tap_pack.nodes.comfy_bridge.seam.patches import filled_share, from_patches, patch_grid, to_patches

SHAPES = [(2, 4, 8, 12), (1, 4, 7, 9), (2, 16, 3, 8, 12), (1, 16, 2, 5, 3), (2, 64, 9), (1, 8, 16, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_patches_come_back_as_they_were(shape: tuple[int, ...]) -> None:
    latent = torch.randn(shape)
    grid = patch_grid(latent, (1, 2, 2))
    tokens = to_patches(latent, grid)
    assert tokens.shape[1] == grid[0] * grid[1] * grid[2]
    assert torch.equal(from_patches(tokens, grid, shape), latent)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_latents_side_by_side_come_back_as_they_were(shape: tuple[int, ...]) -> None:
    pair = [torch.randn(shape) for _ in range(2)]
    cut = cut_of(pair[0], patch_grid(pair[0], (1, 2, 2)), None)
    back = cut.two_latents(torch.cat([cut.tokens(each) for each in pair], dim=-1), shape)
    assert all(torch.equal(one, other) for one, other in zip(pair, back, strict=True))


def test_a_token_holds_the_pixels_of_its_patch() -> None:
    latent = torch.arange(4.0 * 6).view(1, 1, 4, 6)
    assert to_patches(latent, (1, 2, 3))[0, 4].tolist() == [14.0, 15.0, 20.0, 21.0]


def test_a_video_and_its_sound_come_back_as_they_were() -> None:
    shapes = [(2, 128, 3, 4, 6), (2, 8, 5, 16)]
    parts = [torch.randn(shape) for shape in shapes]
    packed = torch.cat([part.flatten(1) for part in parts], dim=1).unsqueeze(1)
    assert all(torch.equal(a, b) for a, b in zip(parts_of(packed, shapes), parts, strict=True))
    cut = cut_of(packed, (3, 2, 3), shapes)
    tokens = cut.tokens(packed)
    assert tokens.shape[:2] == (2, cut.count)
    assert torch.equal(tokens[:, :18], to_patches(parts[0], (3, 2, 3)))
    assert torch.equal(cut.latent(tokens, packed.shape), packed)
    one, other = cut.two_latents(torch.cat([tokens, 2 * tokens], dim=-1), packed.shape)
    assert torch.equal(one, packed) and torch.equal(other, 2 * packed)


@pytest.mark.parametrize(("shape", "patch", "share"), [
    ((1, 16, 7, 10), (1, 2, 2), (7 / 8, 1.0)), ((1, 16, 3, 40, 9), (1, 2, 2), (1.0, 9 / 10)),
    ((1, 3, 40, 48), (1, 16, 16), (40 / 48, 1.0)), ((1, 64, 9), (1, 2, 2), (1.0, 9 / 10)),
])
def test_the_share_that_a_picture_fills(shape: tuple[int, ...], patch: tuple[int, ...], share: tuple) -> None:
    latent = torch.empty(shape)
    assert filled_share(latent, patch, patch_grid(latent, patch)) == pytest.approx(share)
