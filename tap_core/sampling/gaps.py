"""What replay knows of a run: full evaluations, and the gaps between them.

d = (x - denoised) / sigma: the slope that a model evaluation gives the sampler; sigma is the sampler's own. Slopes bend
evenly, so they are what is interpolated, over log-noise, where a trajectory bends most evenly; over sigma the PSNR is
0.3 to 0.8 dB lower (bench/placement/README.md). Fresh noise makes slopes jump, but hardly moves the denoised picture:
where a sampler adds noise, pictures are interpolated instead (bench/samplers/README.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..predictors.on_processor import to_device, to_processor
from .interpolation import shares_at
from .motion import BURIED
from .restraint import Restraint


@dataclass(frozen=True)
class Full:
    """A full evaluation. x, denoised: [B, C, ...] as they were when it was computed; place: its log-noise."""

    x: Tensor
    denoised: Tensor
    sigma: float
    place: float

    def answer(self, x: Tensor, still: float) -> Tensor:
        """The denoised picture [B, C, ...] at another x, of which it stays still by a share."""
        return torch.add(to_device(self.denoised, x.device), x - to_device(self.x, x.device), alpha=1 - still)


@dataclass
class Gap:
    """Skipped evaluations between two full ones. Its slopes are re-estimated once `nodes` are there, newest first.

    device: where latents are kept once it is settled; None for that of x. rest: [B, C, ...] until then the sum of what
    was forecast, afterwards what is added to each re-estimate.
    """

    device: torch.device | None
    rest: Tensor | None = None
    places: list[float] = field(default_factory=list)
    nodes: Sequence[Full] = ()

    def take(self, x: Tensor, denoised: Tensor, sigma: float, place: float) -> None:
        """A skipped evaluation of x [B, C, ...] at a log-noise."""
        # On the device of x until the gap is settled: a skipped step does not wait.
        forecast = self._forecast(x, denoised, sigma)
        self.rest = forecast.clone() if self.rest is None else self.rest + forecast
        self.places.append(place)

    def answer(self, x: Tensor, sigma: float, place: float) -> Tensor:
        """The re-estimated denoised picture [B, C, ...] at an x that the sampler reached this time."""
        return torch.sub(x, self._between(place, x.device), alpha=sigma)

    def settle(self, nodes: Sequence[Full], restraint: Restraint, device: torch.device,
               renewed: Tensor | None = None) -> None:
        """Re-estimate from these full evaluations; from less than two the mean forecast stays. renewed: see Motion."""
        rest = forecast = to_device(self.rest, device) / len(self.places)
        if len(nodes) > 1:
            self.nodes, self.rest = nodes, torch.zeros_like(forecast)
            drift = sum(self._between(place, device) for place in self.places) / len(self.places) - forecast
            rest = self._held_back(drift, forecast, restraint, renewed)
        self.rest = rest if self.device is None else to_processor(rest)

    def _held_back(self, drift: Tensor, forecast: Tensor, restraint: Restraint, renewed: Tensor | None) -> Tensor:
        return restraint.held_back(drift, forecast, self.nodes[0].sigma, self.nodes[1].sigma)

    def _between(self, place: float, device: torch.device) -> Tensor:
        """What is known at a log-noise, [B, C, ...]."""
        between = to_device(self.rest, device)
        for share, node in zip(shares_at([node.place for node in self.nodes], place), self.nodes, strict=True):
            between = self._with(between, node, share)
        return between

    def _forecast(self, x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
        return (x - denoised) / sigma

    def _with(self, between: Tensor, node: Full, share: float) -> Tensor:
        x, denoised = to_device(node.x, between.device), to_device(node.denoised, between.device)
        return between.add(x, alpha=share / node.sigma).sub_(denoised, alpha=share / node.sigma)


class NoisyGap(Gap):
    """Under a sampler that adds noise: pictures in place of slopes, and what fresh noise has buried stays as it was."""

    def answer(self, x: Tensor, sigma: float, place: float) -> Tensor:
        """The re-estimated denoised picture [B, C, ...], the same at any x."""
        return self._between(place, x.device).clone()

    def _forecast(self, x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
        return denoised

    def _with(self, between: Tensor, node: Full, share: float) -> Tensor:
        return between.add(to_device(node.denoised, between.device), alpha=share)

    def _held_back(self, drift: Tensor, forecast: Tensor, restraint: Restraint, renewed: Tensor | None) -> Tensor:
        newest = self.nodes[0]
        moved = to_device(newest.x, drift.device) - to_device(newest.denoised, drift.device)
        stays = super()._held_back(drift, moved, restraint, renewed)
        if renewed is None:
            return stays
        left = (1 - renewed / BURIED).clamp(min=0)  # a scalar may be on the processor
        return left * (stays + drift) - drift
