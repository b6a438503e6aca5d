"""The last change again, stretched by how far the probe has moved since.

h: true probe.  h_0, h_1, r_0, r_1: probe and forecast quantity at the last two full steps, newest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..predictor import Moment
from .per_token import by_chunks, ratio

# The bounds of the stretch in DiCache's released code.
LEAST, MOST = 1.0, 1.5


@dataclass(frozen=True)
class DiCache:
    """forecast = r_1 + g (r_0 - r_1), g = clip(mean|h - h_1| / mean|h_0 - h_1|, 1, 1.5), DiCache (arXiv 2508.17356).

    DiCache's probe is what its first block adds, and all tokens have the same g; here the probe is TAP's, and with
    `per_token` each token has its own g. A token whose probe did not move repeats its newest value.
    """

    per_token: bool = True
    family: str = "dicache"
    order: int = 1
    horizon: float = 0.0
    snapshots: int = 2

    @property
    def local(self) -> bool:
        """Whether each token has its own g."""
        return self.per_token

    def ready(self, moment: Moment) -> bool:
        """It needs two full steps."""
        return len(moment.past) >= 2

    def forecast(self, stream: Sequence[Tensor], moment: Moment) -> Tensor:
        """Forecast [B, N, C] from values [B, N, C], newest first."""
        def stretch(newest: Tensor, older: Tensor, amount: Tensor) -> Tensor:
            return older + amount * (newest - older)

        return by_chunks((*stream[:2], self.stretch(moment)), stream[0].shape[-1], moment.probe.device, stretch)

    def stretch(self, moment: Moment) -> Tensor:
        """g of each token, [B, N, 1]."""
        def moved(now: Tensor, newest: Tensor, older: Tensor) -> Tensor:
            return torch.stack([(now - older).abs().mean(-1), (newest - older).abs().mean(-1)], dim=-1)

        both = by_chunks((moment.probe, *moment.probes[:2]), 2, moment.probe.device, moved)
        if not self.per_token:
            both = both.mean(1, keepdim=True).expand_as(both)
        return ratio(both[..., :1], both[..., 1:]).clamp(LEAST, MOST)
