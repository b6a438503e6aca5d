"""The picture's coarse part repeated, its fine part continued.

H: the Hermite forecast.  low: the coarse part of a picture of tokens, by its discrete cosine transform.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError
from ..per_token import by_chunks
from ..predictor import Moment
from ..token_grid import to_grid, to_tokens
from .hicache import HiCache

# Channels that are transformed at a time, to bound the working set.
CHANNELS = 256


@dataclass(frozen=True)
class FreqCa:
    """forecast = low(F_0) + high(H) = H + low(F_0 - H), FreqCa (arXiv 2510.08669).

    H is HiCache's with order 2 and scale 0.71. low keeps the cosine waves whose frequency, the root of the squares of
    both indices, is at most `cutoff` of the highest (0.1), as in its released code for FLUX; a video's frames are
    taken one by one. A cutoff of 1 repeats F_0, one below 0 gives H. It forecasts the last hidden state in the paper;
    here whatever the run forecasts.
    """

    cutoff: float = 0.1
    scale: float = 0.71
    family: str = "freqca"
    order: int = 2
    horizon: float = 0.0
    snapshots: int = 3

    def __post_init__(self) -> None:
        if not math.isfinite(self.cutoff):
            raise TapError(f"FreqCa's cutoff is {self.cutoff}; set it from 0 to 1 (the paper's is 0.1).")

    def ready(self, moment: Moment) -> bool:
        """It needs two full steps, and tokens that fill a grid."""
        return len(moment.past) >= 2 and moment.grid is not None and math.prod(moment.grid) == moment.probe.shape[1]

    def forecast(self, stream: Sequence[Tensor], moment: Moment) -> Tensor:
        """Forecast [B, N, C] from values [B, N, C], newest first."""
        hermite = HiCache(self.order, self.horizon, self.scale)
        weights = hermite.weights(moment.past[: self.snapshots], moment.position, moment.timeline)

        def weighted(*values: Tensor) -> Tensor:
            return sum(weight * value for weight, value in zip(weights, values, strict=True))

        channels = stream[0].shape[-1]
        forecast = by_chunks(stream[: self.snapshots], channels, moment.probe.device, weighted)
        for first in range(0, channels, CHANNELS):
            part = forecast[..., first : first + CHANNELS]
            miss = stream[0][..., first : first + CHANNELS].to(part) - part
            part += to_tokens(low(to_grid(miss.mT, moment.grid), self.cutoff)).mT
        return forecast


def low(frames: Tensor, cutoff: float) -> Tensor:
    """The coarse part of every frame, [..., H, W]."""
    rows, columns = frames.shape[-2:]
    highest = cutoff * math.hypot(rows - 1, columns - 1)
    count = max(math.floor(highest) + 1, 0)
    down = cosine_waves(rows, frames.device)[:count]
    across = cosine_waves(columns, frames.device)[:count]
    index = torch.arange(count, device=frames.device)
    coarse = torch.hypot(index[: len(down), None].float(), index[: len(across)].float()) <= highest
    return down.T @ ((down @ frames @ across.T) * coarse) @ across


def cosine_waves(count: int, device: torch.device) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of `count` values, one wave a row: [count, count]."""
    places, waves = torch.arange(count, device=device) + 0.5, torch.arange(count, device=device)
    matrix = torch.cos(math.pi / count * waves[:, None] * places) * (2 / count) ** 0.5
    matrix[0] *= 0.5**0.5
    return matrix
