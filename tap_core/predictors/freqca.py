"""The picture's coarse part repeated, its fine part continued.

H: the Hermite forecast.  low: the coarse part of a picture of tokens, by its discrete cosine transform.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import TapError
from ..predictor import Moment
from .hicache import HiCache
from .on_processor import to_device
from .per_token import by_chunks


@dataclass(frozen=True)
class FreqCa:
    """forecast = low(F_0) + high(H) = H + low(F_0 - H), FreqCa (arXiv 2510.08669).

    H is HiCache's with order 2 and scale 0.71. low keeps the cosine waves whose frequency, the root of the squares of
    both indices, is at most `cutoff` of the highest (0.1), as in its released code for FLUX; each frame of a
    video is transformed separately. A cutoff of 1 repeats F_0, one below 0 gives H. The paper forecasts the last hidden
    state; here it is the run's target.
    """

    cutoff: float = 0.1
    scale: float = 0.71
    family: str = "freqca"
    order: int = 2
    horizon: float = 0.0
    snapshots: int = 3
    local: ClassVar[bool] = False

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

        forecast = by_chunks(stream[: self.snapshots], stream[0].shape[-1], moment.probe.device, weighted)
        _, rows, columns = moment.grid
        coarse = CoarsePart(rows, columns, self.cutoff, forecast.device)
        for sample, newest in zip(forecast, stream[0], strict=True):
            frames = zip(sample.unflatten(0, moment.grid), newest.unflatten(0, moment.grid), strict=True)
            for fine, repeat in frames:
                fine += coarse.of(to_device(repeat, fine.device).to(fine) - fine)
        return forecast


class CoarsePart:
    """The cosine waves of a frame of H x W tokens whose frequency is at most `cutoff` of the highest."""

    def __init__(self, rows: int, columns: int, cutoff: float, device: torch.device) -> None:
        highest = cutoff * math.hypot(rows - 1, columns - 1)
        count = max(math.floor(highest) + 1, 0)
        self._down, self._across = (cosine_waves(n, device)[:count] for n in (rows, columns))
        down, across = (torch.arange(len(waves), device=device) for waves in (self._down, self._across))
        self._kept = (torch.hypot(down[:, None].float(), across.float()) <= highest)[..., None]

    def of(self, frame: Tensor) -> Tensor:
        """The coarse part of a frame [H, W, C]."""
        waves = self._across @ _along_rows(self._down, frame)
        return _along_rows(self._down.T, self._across.T @ (waves * self._kept))


def _along_rows(matrix: Tensor, frame: Tensor) -> Tensor:
    """matrix [h, H] applied to the rows of a frame [H, W, C]: [h, W, C]."""
    return (matrix @ frame.flatten(1)).view(len(matrix), *frame.shape[1:])


def cosine_waves(count: int, device: torch.device) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of `count` values, one wave a row: [count, count]."""
    places, waves = torch.arange(count, device=device) + 0.5, torch.arange(count, device=device)
    matrix = torch.cos(math.pi / count * waves[:, None] * places) * (2 / count) ** 0.5
    matrix[0] *= 0.5**0.5
    return matrix
