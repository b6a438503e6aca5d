"""A linear code between frames and latents: principal components of 4 x 4 pixel patches, so that decoding is exact.

B batch, F frames, pixels S x S. No learned decoder stands between what a sampler made and what is compared.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

CHANNELS, PATCH = 16, 4
# 1 would give every component the same spread, 0 its own: in between, coarse structure weighs more than fine.
WHITENING = 0.7


@dataclass(frozen=True)
class LinearCode:
    """latents = kernel @ (patch - mean); kernel [16, 48], mean [48]."""

    kernel: Tensor
    mean: Tensor

    @classmethod
    def fit(cls, films: Tensor) -> "LinearCode":
        """From films [B, F, 3, S, S] in 0..1; latents then have zero mean and unit variance on average."""
        rows = patches(films).movedim(1, -1).flatten(0, -2).double()
        mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - mean).T.cov())
        spread, basis = values.flip(0)[:CHANNELS].clamp(min=1e-9).sqrt(), vectors.flip(1)[:, :CHANNELS].T
        gain = spread**-WHITENING
        gain = gain / (gain * spread).square().mean().sqrt()
        return cls((gain[:, None] * basis).float(), mean.float())

    def encode(self, films: Tensor) -> Tensor:
        """Films [B, F, 3, S, S] in 0..1 -> latents [B, 16, F, S/4, S/4]."""
        centred = patches(films) - self.mean[:, None, None, None]
        return torch.einsum("cp,bpfhw->bcfhw", self.kernel, centred)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, 16, F, H, W] -> films [B, F, 3, 4H, 4W] in 0..1."""
        inverse = torch.linalg.pinv(self.kernel)
        rows = torch.einsum("pc,bcfhw->bfphw", inverse, latents.float()) + self.mean[:, None, None]
        return F.pixel_shuffle(rows, PATCH).clamp(0, 1)


def patches(films: Tensor) -> Tensor:
    """Films [B, F, 3, S, S] -> the numbers of every patch [B, 48, F, S/4, S/4]."""
    return F.pixel_unshuffle(films, PATCH).transpose(1, 2)
