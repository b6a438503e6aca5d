"""Targets in what a call returns: the picture that a forecast of them implies at another x."""

from __future__ import annotations

import pytest
import torch
from tap_pack.nodes.comfy_bridge.seam.call_target import CallTarget
from torch import Tensor

SHAPE, SIGMA = (2, 3, 4, 5), torch.tensor([0.8, 0.4]).view(2, 1, 1, 1)


class Pixels:
    """A cut whose tokens are single pixels."""

    def tokens(self, picture: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H * W, C]"""
        return picture.flatten(2).transpose(1, 2)

    def latent(self, tokens: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The way back."""
        return tokens.transpose(1, 2).reshape(shape)

    def two_latents(self, tokens: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
        """The way back of two."""
        return [self.latent(half, shape) for half in tokens.chunk(2, dim=-1)]


def picture(seed: int) -> Tensor:
    """Any picture."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def implied(kind: str, noisy: bool | None, still: float = 1.0) -> Tensor:
    """The picture that a target from one x implies at another."""
    read = CallTarget(kind, picture(0), SIGMA, Pixels()).read(picture(1))
    flag = None if noisy is None else torch.tensor(noisy)
    return CallTarget(kind, picture(2), SIGMA, Pixels(), flag, still).write(read)


@pytest.mark.parametrize("noisy", [None, False, True])
def test_the_picture_stays_and_the_slope_moves_it_along_with_x(noisy: bool | None) -> None:
    torch.testing.assert_close(implied("denoised", noisy), picture(1))
    torch.testing.assert_close(implied("slope", noisy), picture(1) + picture(2) - picture(0))


@pytest.mark.parametrize("still", [0.0, 0.5, 1.0])
def test_auto_follows_the_slope_and_where_noise_is_added_only_in_part(still: float) -> None:
    for noisy in (None, False):
        torch.testing.assert_close(implied("auto", noisy, still), implied("slope", None))
    torch.testing.assert_close(implied("auto", True, still),
                               picture(1) + (1 - still) * (picture(2) - picture(0)))
