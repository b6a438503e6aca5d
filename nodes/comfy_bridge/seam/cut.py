"""How a latent is cut into tokens: the patches of the picture or video, then those of what is packed with it.

ComfyUI packs several latents, such as a video and its sound, into one row [B, 1, L] and passes their shapes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .layout import joined
from .patches import Grid, from_patches, patch_grid, to_patches

Shape = tuple[int, ...]
SIDE_PATCH = (1, 2, 2)
Patch = tuple[int, int, int]


@dataclass(frozen=True)
class Cut:
    """Shapes [B, C, ...] of the parts, the picture first, and the grid of each. batch: pictures in the call."""

    shapes: tuple[Shape, ...]
    grids: tuple[Grid, ...]
    batch: int

    @property
    def count(self) -> int:
        """Number of tokens."""
        return sum(math.prod(grid) for grid in self.grids)

    def tokens(self, latent: Tensor) -> Tensor:
        """The tokens [B, N, C] of a latent."""
        return self.tokens_of(parts_of(latent, self.shapes))

    def tokens_of(self, parts: Sequence[Tensor]) -> Tensor:
        """The tokens [B, N, C] of its parts, which may be padded to whole patches or not."""
        return joined([to_patches(part, grid) for part, grid in zip(parts, self.grids, strict=True)])

    def latent(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """The latent of this shape that has these tokens [B, N, C]."""
        if len(self.shapes) == 1:
            return from_patches(tokens, self.grids[0], shape)
        return torch.cat([part.flatten(1) for part in self.parts(tokens, self.shapes)], 1).view(shape)

    def two_latents(self, tokens: Tensor, shape: Sequence[int]) -> Sequence[Tensor]:
        """The two latents of this shape that have these tokens [B, N, 2 * C]; the first one's values come first."""
        if len(self.shapes) > 1:
            return [self.latent(half, shape) for half in tokens.chunk(2, dim=-1)]
        return from_patches(tokens, self.grids[0], (shape[0], 2 * shape[1], *shape[2:])).chunk(2, dim=1)

    def parts(self, tokens: Tensor, shapes: Sequence[Shape]) -> list[Tensor]:
        """The parts, of these shapes, that have these tokens [B, N, C]."""
        counts = [math.prod(grid) for grid in self.grids]
        parts = zip(tokens.split(counts, dim=1), self.grids, shapes, strict=True)
        return [_part(part, grid, shape) for part, grid, shape in parts]


def cut_of(latent: Tensor, grid: Grid, shapes: Sequence[Shape] | None, side_patch: Patch = SIDE_PATCH) -> Cut:
    """The cut of a latent whose picture has this grid. shapes: of its parts, if it is packed."""
    if not is_packed(shapes):
        return Cut((tuple(latent.shape),), (grid,), len(latent))
    sides = [patch_grid(part, side_patch) for part in parts_of(latent, shapes)[1:]]
    return Cut(tuple(tuple(shape) for shape in shapes), (grid, *sides), len(latent))


def parts_of(latent: Tensor, shapes: Sequence[Shape] | None) -> list[Tensor]:
    """The latents that are packed into one; a list of only this one if none are."""
    if not is_packed(shapes):
        return [latent]
    rows = latent.flatten(1).split([math.prod(shape[1:]) for shape in shapes], dim=1)
    return [row.reshape(len(row), *shape[1:]) for row, shape in zip(rows, shapes, strict=True)]


def is_packed(shapes: Sequence[Shape] | None) -> bool:
    """Whether these are the shapes of several latents."""
    return shapes is not None and len(shapes) > 1


def _part(tokens: Tensor, grid: Grid, shape: Shape) -> Tensor:
    """One part; a patch with fewer values than others has zeros at its end."""
    sizes = (1, 1, 1, *shape[2:])[-3:]
    width = shape[1] * math.prod(-(-size // count) for size, count in zip(sizes, grid, strict=True))
    return from_patches(tokens[..., :width], grid, (len(tokens), *shape[1:]))
