"""EasyCache: full when the sampler's latent has moved so far that the model's answer must have moved too.

x: the sampler's latent.  v = (x - denoised) / sigma: a flow model's answer.  sigma: noise level.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError
from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import AdaptiveCourse, AdaptiveSettings, check_number, mean_change

FORECASTS = ("pool", "offset")


@dataclass(frozen=True)
class EasyCacheSchedule(AdaptiveSettings):
    """Skip while sum_s k * mean|x_s - x_{s-1}| / mean|v| < threshold, the sum starting anew at every full step.

    Zhou et al. 2025 (EasyCache, arXiv 2507.02860), its HunyuanVideo code: k = mean|v_i - v_j| / mean|x_i - x_j| at the
    last two full steps i and j, v the latest full answer; first 5 steps and the last full, threshold 0.025. Its code is
    inside the model; here it watches the sampler, so v is the answer after guidance.
    forecast: "offset" is the paper's, v^ = x + (v - x) of the last full step, and the model is not called at all;
    "pool" leaves the forecast to the predictors.
    """

    threshold: float = 0.025
    forecast: str = "offset"
    warmup: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("threshold", self.threshold)
        if self.forecast not in FORECASTS:
            raise TapError(f"forecast is {self.forecast!r}; choose one of {', '.join(FORECASTS)}.")

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return EasyCacheCourse(self, timeline)


class EasyCacheCourse(AdaptiveCourse):
    """Keeps x and v of the last full step, x of the last step, the rate k and the accumulated change."""

    def __init__(self, settings: EasyCacheSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._latest: Tensor | None = None
        self._full: tuple[Tensor, Tensor] | None = None
        self._rate: Tensor | None = None
        self._sum: Tensor | float = 0.0

    def choose(self, seen: Seen) -> Decision:
        """Full once the change has added up; only here Python waits for the device."""
        if self._rate is None or self._latest.shape != seen.x.shape:
            return Decision(full=True, reason="too few steps yet")
        x, v = self._full
        self._sum = self._sum + self._rate * mean_change(seen.x, self._latest) / v.abs().mean()
        if not bool(self._sum < self.settings.threshold):
            return Decision(full=True, reason="picture moved")
        if self.settings.forecast == "pool":
            return SKIP
        return Decision(full=False, denoised=seen.x - seen.sigma * (seen.x + v - x))

    def learn(self, seen: Seen) -> None:
        """Keep x; at a full step measure how fast the answer follows the latent."""
        self._latest = seen.x
        if not seen.full:
            return
        v = (seen.x - seen.denoised) / max(seen.sigma, 1e-9)
        if self._full is not None and self._full[0].shape == seen.x.shape:
            moved = mean_change(seen.x, self._full[0])
            # A sampler may evaluate one place twice; such a pair says nothing about the rate.
            rate = mean_change(v, self._full[1]) / moved
            self._rate = torch.where(moved > 0, rate, rate if self._rate is None else self._rate)
        self._full, self._sum = (seen.x, v), 0.0
