"""What replay knows of a run: full evaluations, and the gaps between them.

d = (x - denoised) / t: the slope of an evaluation; x is a mix of picture and noise, t its noise level, see slopes.py.
Slopes bend evenly, so they are what is interpolated, over log-noise, where a trajectory bends most evenly; over t the
PSNR is 0.3 to 0.8 dB lower (bench/placement/README.md). Fresh noise makes slopes jump, but hardly moves the denoised
picture: where a sampler adds noise, pictures are interpolated instead (bench/samplers/README.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..predictors.lagrange import lagrange
from ..predictors.on_processor import PROCESSOR, to_device, to_processor
from .motion import BURIED
from .restraint import Restraint
from .slopes import Slopes


@dataclass(eq=False)
class Full:
    """A full evaluation. x, denoised: [B, C, ...] as they were when it was computed; place: its log-noise."""

    x: Tensor
    denoised: Tensor
    level: float
    place: float

    def answer(self, x: Tensor, still: float) -> Tensor:
        """The denoised picture [B, C, ...] at another x, of which it stays still by a share."""
        return torch.add(to_device(self.denoised, x.device), x - to_device(self.x, x.device), alpha=1 - still)

    @property
    def slope(self) -> Tensor:
        """d, [B, C, ...]."""
        return (self.x - self.denoised) / self.level

    def put_away(self) -> None:
        """Keep it on the processor."""
        self.x, self.denoised = to_processor(self.x), to_processor(self.denoised)

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        return self.x.nbytes + self.denoised.nbytes


@dataclass
class Gap:
    """Skipped evaluations between two full ones. Its slopes are re-estimated once `nodes` are there, newest first.

    The last evaluation counts by itself: a multistep sampler goes on from it across the full step. What is not repaid
    stays where it arose, so that a gap of which nothing is repaid ends as it was forecast.

    device: where latents are kept once it is settled; None for that of x. last, others: [B, C, ...] until then the
    forecast of the last evaluation, and the sum of the others'; afterwards what is added to their re-estimates, None
    where all is repaid. total: until then both, which drifts.py has, too.
    """

    device: torch.device | None
    last: Tensor | None = None
    others: Tensor | None = None
    total: Tensor | None = None
    places: list[float] = field(default_factory=list)
    nodes: Sequence[Full] = ()

    def take(self, x: Tensor, denoised: Tensor, level: float, place: float, slopes: Slopes) -> None:
        """A skipped evaluation of x [B, C, ...] at a log-noise. slopes: the run's."""
        # On the device of x until the gap is settled: a skipped step does not wait.
        forecast = self._forecast(x, denoised, level, slopes)
        self.others, self.last = self.total, forecast
        self.total = forecast if self.total is None else slopes.plus(self.total, forecast)
        self.places.append(place)

    def answer(self, x: Tensor, level: float, place: float, last: bool) -> Tensor:
        """The re-estimated denoised picture [B, C, ...] at an x that the sampler reached this time; last: whether this
        is the last evaluation.
        """
        added = self.last if last else self.others
        answered = x if added is None else torch.sub(x, to_device(added, x.device), alpha=level)
        return self._between(place, answered, -level)

    def settle(self, nodes: Sequence[Full], restraint: Restraint, device: torch.device,
               renewed: Tensor | None = None) -> None:
        """Re-estimate from these full evaluations; from less than two the forecasts stay. renewed: see Motion."""
        if len(nodes) > 1 and self._repays_all(restraint):
            self.nodes, self.last, self.others, self.total = nodes, None, None, None
            return
        count = len(self.places)
        last, others = to_device(self.last, device), self.others
        others = None if others is None else to_device(others, device) / (count - 1)
        if len(nodes) > 1:
            self.nodes = nodes
            # How far the truth is from what was forecast, and what was forecast, in the mean of the gap.
            late, forecast = self._between(self.places[-1], -last), last
            drift = late
            if others is not None:
                early = sum(self._between(place, -others) for place in self.places[:-1]) / (count - 1)
                drift, forecast = (torch.lerp(*parts, 1 / count) for parts in ((early, late), (others, last)))
            stays = self._repaid(drift, forecast, restraint, renewed) - 1
            last, others = stays * late, None if others is None else stays * early
        self.last, self.others = self._put_away(last), None if others is None else self._put_away(others)
        self.total = None

    def put_away(self) -> None:
        """Keep it on the processor, once it is settled."""
        self.device = PROCESSOR
        if self.total is None:
            self.last, self.others = (None if each is None else to_processor(each) for each in (self.last, self.others))

    def _repays_all(self, restraint: Restraint) -> bool:
        return restraint.repays_all

    def _repaid(self, drift: Tensor, forecast: Tensor, restraint: Restraint, renewed: Tensor | None) -> Tensor:
        return restraint.share(drift, forecast, self.nodes[0].level, self.nodes[1].level)

    def _put_away(self, latent: Tensor) -> Tensor:
        return latent if self.device is None else to_processor(latent)

    def _between(self, place: float, added: Tensor, times: float = 1.0) -> Tensor:
        """So many times what is known at a log-noise, added to something [B, C, ...]."""
        for share, node in zip(lagrange([node.place for node in self.nodes], place), self.nodes, strict=True):
            added = self._with(added, node, times * share)
        return added

    def _forecast(self, x: Tensor, denoised: Tensor, level: float, slopes: Slopes) -> Tensor:
        return slopes.slope(x, denoised, level)

    def _with(self, between: Tensor, node: Full, share: float) -> Tensor:
        x, denoised = to_device(node.x, between.device), to_device(node.denoised, between.device)
        return between.add(x, alpha=share / node.level).sub_(denoised, alpha=share / node.level)

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        kept = {id(each): each.nbytes for each in (self.last, self.others, self.total) if each is not None}
        return sum(kept.values())


class NoisyGap(Gap):
    """Under a sampler that adds noise: pictures in place of slopes, and what fresh noise has buried stays as it was."""

    def answer(self, x: Tensor, level: float, place: float, last: bool) -> Tensor:
        """The re-estimated denoised picture [B, C, ...], the same at any x."""
        return self._between(place, to_device(self.last if last else self.others, x.device)).clone()

    def _forecast(self, x: Tensor, denoised: Tensor, level: float, slopes: Slopes) -> Tensor:
        return denoised.clone()

    def _with(self, between: Tensor, node: Full, share: float) -> Tensor:
        return between.add(to_device(node.denoised, between.device), alpha=share)

    def _repays_all(self, restraint: Restraint) -> bool:
        return False  # what fresh noise has buried stays

    def _repaid(self, drift: Tensor, forecast: Tensor, restraint: Restraint, renewed: Tensor | None) -> Tensor:
        newest = self.nodes[0]
        moved = to_device(newest.x, drift.device) - to_device(newest.denoised, drift.device)
        share = super()._repaid(drift, moved, restraint, renewed)
        # A scalar may be on the processor.
        return share if renewed is None else (1 - renewed / BURIED).clamp(min=0) * share
