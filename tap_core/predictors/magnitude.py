"""The newest value again, with its length extrapolated.

r_0, r_1: the last two full steps' values, newest first.  u: distance of the asked step in units of their gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..predictor import Moment
from .per_token import by_chunks, length, ratio

# A length is at most halved or doubled.
MOST = 2.0


@dataclass(frozen=True)
class MagnitudeScaled:
    """forecast = r_0 (|r_0| / |r_1|)^u, per token.

    MagCache (arXiv 2506.09045) decides when to skip by the ratio of the residuals' lengths from one step to the next,
    calibrated once per model, and then repeats them unscaled. Here the ratio is that of the last gap, so nothing is
    calibrated, and the repeat is scaled by it. The cosine loss does not see lengths: for it this is a plain repeat.
    """

    family: str = "magcache"
    order: int = 1
    horizon: float = 0.0
    snapshots: int = 2
    local: ClassVar[bool] = True

    def ready(self, moment: Moment) -> bool:
        """It needs two full steps."""
        return len(moment.past) >= 2

    def forecast(self, stream: Sequence[Tensor], moment: Moment) -> Tensor:
        """Forecast [B, N, C] from values [B, N, C], newest first."""
        def scale(newest: Tensor, older: Tensor) -> Tensor:
            growth = ratio(length(newest), length(older)).clamp(1 / MOST, MOST) ** moment.gaps_ahead
            return newest * growth.clamp(1 / MOST, MOST)

        return by_chunks(stream[:2], stream[0].shape[-1], moment.probe.device, scale)
