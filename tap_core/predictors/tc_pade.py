"""A rational function of the last full steps; it depends on the stage of the run.

R_0 (newest), R_1, R_2: the last full steps' values.  u: distance of the asked step in units of the last gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import TapError
from ..predictor import Moment
from .per_token import by_chunks, length, ratio

# Shares of the run where the early stage ends and the late one begins: t = 0.7 T and 0.2 T in the paper's time.
EARLY, LATE = 0.3, 0.8
# Guesses, as the paper's text gives neither: the share of the line taken early, of the last change added late.
EARLY_SLOPE, LATE_CHANGE = 0.5, 0.1
# The denominator stays between these.
LEAST, MOST = 0.5, 2.0


@dataclass(frozen=True)
class TcPade:
    """Middle of the run: R_0 + s u (R_0 - R_1) / (1 + s/l z); early: a slower line; late: a little of R_0 - R_1 more.

    s = exp(-l |R_0 - R_1| / |R_0 + R_1|), l = 10, z = R_2 over its root mean square, lengths per token: after TC-Pade
    (arXiv 2603.02943), which prints (2s R_{t+3} - s R_{t+2}) / (1 + s/l R_{t+1}); `literal` uses that at every stage,
    with its indices read newest first (as printed it leads back in time). It has three flaws that are corrected here:
    it shrinks even a constant; where the trend is unsteady (s -> 0) it goes to zero instead of a repeat; it does not
    depend on distance or scale. The denominator is clamped, because values can lie near its pole. The early slope and
    the late share are the pack's guesses: the paper's text gives neither. The paper rebuilds a step as x_{t+1} + R, on
    the block input of the step before; here the forecast is added to this step's own, as in TAP.
    """

    literal: bool = False
    steadiness: float = 10.0
    family: str = "tc-pade"
    order: int = 2
    horizon: float = 0.0
    snapshots: int = 3
    local: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.steadiness > 0:
            raise TapError(f"TC-Pade's lambda is {self.steadiness}; set it above 0 (the paper's is 10).")

    def ready(self, moment: Moment) -> bool:
        """It needs three full steps."""
        return len(moment.past) >= 3

    def forecast(self, stream: Sequence[Tensor], moment: Moment) -> Tensor:
        """Forecast [B, N, C] from values [B, N, C], newest first."""
        share, u = moment.position / moment.timeline.steps, moment.gaps_ahead

        def rule(r0: Tensor, r1: Tensor, r2: Tensor) -> Tensor:
            steady = torch.exp(-self.steadiness * ratio(length(r0 - r1), length(r0 + r1)))
            if self.literal:
                return (2 * steady * r0 - steady * r1) / self._denominator(steady, r2)
            if share < EARLY:
                return r0 + EARLY_SLOPE * u * (r0 - r1)
            scale = length(r2) / r2.shape[-1] ** 0.5
            step = steady * u / self._denominator(steady, ratio(r2, scale)) + (LATE_CHANGE if share > LATE else 0)
            return r0 + step * (r0 - r1)

        return by_chunks(stream[:3], stream[0].shape[-1], moment.probe.device, rule)

    def _denominator(self, steady: Tensor, z: Tensor) -> Tensor:
        return (1 + steady / self.steadiness * z).clamp(LEAST, MOST)
