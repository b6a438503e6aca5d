"""Replay: the sampler itself repays the drift, by going the known part of its way again (bench/drift/README.md).

d = (x - denoised) / sigma: the slope that a model evaluation gives the sampler; sigma is the sampler's own.
Skipped steps move x along forecast slopes. At the next full step the truth is known at both ends of the gap:

1. What is known: the slopes of the full steps.
2. What is re-estimated: the slopes of the gap, interpolated between them over log-noise, where a trajectory bends most
   evenly; over sigma the PSNR is 0.3 to 0.8 dB lower (bench/placement/README.md).
3. Go again: the sampler starts anew, and is given what is known in place of the model, up to here.

No model call is made twice. Memory of past steps, second evaluations and noise come out right under every sampler that
is a function of its seeds, because the sampler itself integrates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from ..noise_level import log_noise
from .interpolation import shares_at, spaced
from .restraint import Restraint
from .still_share import still_share

# Full evaluations among which nodes are found; a step may have several.
REMEMBERED = 12


@dataclass(frozen=True)
class Full:
    """A full evaluation. x, denoised: [B, C, ...] as they were when it was computed; place: its log-noise."""

    x: Tensor
    denoised: Tensor
    sigma: float
    place: float

    def answer(self, x: Tensor, still: float) -> Tensor:
        """The denoised picture [B, C, ...] at another x, of which it stays still by a share."""
        return torch.add(self.denoised.to(x.device), x - self.x.to(x.device), alpha=1 - still)


@dataclass
class Gap:
    """Skipped evaluations between two full ones. Its slopes are re-estimated once `nodes` are there, newest first.

    rest: [B, C, ...] until then the sum of the slopes as they were forecast, afterwards what is added to each
    re-estimated slope.
    """

    rest: Tensor
    places: list[float] = field(default_factory=list)
    nodes: Sequence[Full] = ()

    def slope(self, place: float, device: torch.device) -> Tensor:
        """The re-estimated slope at a log-noise, [B, C, ...]."""
        slope = self.rest.to(device, copy=True)
        for share, node in zip(shares_at([node.place for node in self.nodes], place), self.nodes, strict=True):
            slope.add_(node.x.to(device), alpha=share / node.sigma)
            slope.sub_(node.denoised.to(device), alpha=share / node.sigma)
        return slope

    def settle(self, nodes: Sequence[Full], restraint: Restraint, device: torch.device) -> None:
        """Re-estimate the slopes from these full evaluations; from less than two their mean stays as it is."""
        self.rest = self.rest / len(self.places)
        if len(nodes) < 2:
            return
        forecast, kept = self.rest.to(device), self.rest.device
        self.nodes, self.rest = nodes, torch.zeros_like(self.rest)
        drift = sum(self.slope(place, device) for place in self.places) / len(self.places) - forecast
        self.rest = restraint.held_back(drift, forecast, nodes[0].sigma, nodes[1].sigma).to(kept)


class Replay:
    """What is known of one run, evaluation by evaluation.

    mixed: whether x is a mix of picture and noise; guidance: the guider's cfg, None if not known. device: where latents
    are kept; None for that of x.
    """

    def __init__(self, mixed: bool, guidance: float | None = None) -> None:
        self.device: torch.device | None = None
        self._mixed, self._still, self._restraint = mixed, still_share(mixed), Restraint(mixed, guidance)
        self._known: list[tuple[float, Full | Gap]] = []  # the sampler's sigma, and what is known there
        self._fulls: list[Full] = []  # newest first, one a sigma
        self._closing: Full | None = None  # the latest one that closed a gap
        self._before_gaps = 0  # full evaluations before the first gap

    @property
    def known(self) -> int:
        """How many evaluations are known."""
        return len(self._known)

    def exact(self, index: int) -> Tensor | None:
        """x [B, C, ...] of an evaluation that the sampler reaches the same way each time; None if there is none."""
        return self._known[index][1].x if index < self._before_gaps else None

    def answer(self, index: int, x: Tensor) -> Tensor:
        """The denoised picture [B, C, ...] of a known evaluation, at an x that the sampler reached this time."""
        sigma, known = self._known[index]
        if isinstance(known, Full):
            return known.answer(x, self._still)
        return torch.sub(x, known.slope(log_noise(sigma, self._mixed), x.device), alpha=sigma)

    def add(self, x: Tensor, denoised: Tensor, sigma: float, full: bool) -> bool:
        """Take what an evaluation gave; whether the steps before it are known better now, so that it pays to go again.

        x, denoised: [B, C, ...]; full: whether all of it was computed.
        """
        place, gap = log_noise(sigma, self._mixed), self._open_gap
        if not full and sigma > 0:
            self._skip(gap, sigma, place, (x - denoised) / sigma)
            return False
        newest = Full(self._kept(x), self._kept(denoised), sigma, place)
        self._before_gaps += self._before_gaps == len(self._known)
        self._known.append((sigma, newest))
        nodes = self._nodes_with(newest)
        if gap is None:
            return False
        gap.settle(nodes, self._restraint, x.device)
        self._closing = newest
        return bool(gap.nodes)

    def _nodes_with(self, newest: Full) -> Sequence[Full]:
        """The full evaluations between which slopes are interpolated, newest first.

        One that closed a gap was computed at a drifted x: where another one follows it directly, that one serves.
        """
        if newest.sigma <= 0:
            return ()
        before = self._known[-2][1] if len(self._known) > 1 else None
        if before is self._closing:
            self._fulls = [each for each in self._fulls if each is not before]
        self._fulls = [newest, *self._fulls][:REMEMBERED]
        start = before.places[0] if isinstance(before, Gap) else newest.place
        return [self._fulls[index] for index in spaced([each.place for each in self._fulls], start)]

    def clear(self) -> None:
        """Drop all that is known."""
        self._known, self._fulls, self._closing = [], [], None

    def _skip(self, gap: Gap | None, sigma: float, place: float, slope: Tensor) -> None:
        if gap is None:
            gap = Gap(self._kept(slope))
        else:
            gap.rest = gap.rest + slope.to(gap.rest.device)
        gap.places.append(place)
        self._known.append((sigma, gap))

    def _kept(self, latent: Tensor) -> Tensor:
        return latent.to(self.device or latent.device, copy=True)

    @property
    def _open_gap(self) -> Gap | None:
        newest = self._known[-1][1] if self._known else None
        return newest if isinstance(newest, Gap) else None

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        parts = {id(known): known for _, known in self._known}.values()
        return sum(part.x.nbytes + part.denoised.nbytes if isinstance(part, Full) else part.rest.nbytes
                   for part in parts)


def latents_kept(full: Sequence[bool]) -> int:
    """How many latents a replay keeps of a run with these full and skipped steps, one evaluation each."""
    gaps = sum(before and not after for before, after in pairwise(full))
    return 2 * sum(full) + gaps
