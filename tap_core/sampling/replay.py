"""Replay: the sampler itself repays the drift, by going the known part of its way again (bench/drift/README.md).

d = (x - denoised) / t: the slope of an evaluation at noise level t, see slopes.py. Skipped steps move x along forecast
slopes. At the next full step the truth is known at both ends of the gap:

1. What is known: the slopes of the full steps.
2. What is re-estimated: the slopes of the gap, or its pictures under a sampler that adds noise, see gaps.py.
3. Go again: the sampler starts anew, and is given what is known in place of the model, up to here.

No model call is made twice. Memory of past steps, second evaluations and noise come out right under every sampler that
is a function of its seeds, because the sampler itself integrates.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from ..noise_level import log_noise, mix, noise_level
from ..predictors.on_processor import PROCESSOR, to_device, to_processor
from .gaps import Full, Gap, NoisyGap
from .interpolation import spaced
from .restraint import Restraint
from .same_values import same_values
from .slopes import Slopes
from .still_share import still_share

# Full evaluations among which nodes are found; a step may have several.
REMEMBERED = 12
# A slope that is evaluated ahead, at a step's end, is good for half of the step in Heun's method. Near the clean
# picture a drift of x would change it by more than the step can bear, so there denoised follows x as far as is needed.
AHEAD = 2.0


class Replay:
    """What is known of one run, evaluation by evaluation.

    mixed: whether x is a mix of picture and noise; where noise is added to the picture, all is computed for the mix
    that x stands for. guidance: the guider's cfg, None if not known. device: where latents are kept; None for that of
    x. slopes: the run's. before_gaps: evaluations before the first gap, which the sampler comes to the same way each
    time.
    """

    def __init__(self, mixed: bool, guidance: float | None = None, slopes: Slopes | None = None) -> None:
        self._slopes = slopes or Slopes(mixed)
        self.device: torch.device | None = None
        self.noisy = False  # whether the sampler is known to add noise
        self._mixed, self._still, self._restraint = mixed, still_share(mixed=True), Restraint(guidance)
        self._known: list[tuple[float, Full | Gap]] = []  # the noise level, and what is known there
        self._returns = False  # whether the sampler comes to a level again, or to a higher one
        self._fulls: list[Full] = []  # newest first, one a sigma
        self._closing: Full | None = None  # the latest one that closed a gap
        self._breaks = False  # whether conditions changed since the latest full one
        self.before_gaps = 0

    @property
    def repays_all(self) -> bool:
        """Whether nothing of a drift stays, as without guidance and fresh noise."""
        return self._restraint.repays_all and not self.noisy

    @property
    def known(self) -> int:
        """How many evaluations are known."""
        return len(self._known)

    def comes_to(self, index: int, x: Tensor) -> Tensor:
        """Whether x [B, C, ...] is the one at which an evaluation before the first gap was computed, a scalar."""
        level, known = self._known[index]
        return same_values(mix(x, level, self._mixed), to_device(known.x, x.device)).all()

    def answer(self, index: int, x: Tensor) -> Tensor:
        """The denoised picture [B, C, ...] of a known evaluation, at an x that the sampler reached this time."""
        level, known = self._known[index]
        x = mix(x, level, self._mixed)
        if isinstance(known, Full):
            return known.answer(x, self._still_at(index))
        last = index + 1 == len(self._known) or self._known[index + 1][1] is not known
        return known.answer(x, level, log_noise(level, True), last)

    def _still_at(self, index: int) -> float:
        level, before = self._known[index][0], self._known[index - 1][0]
        if not self._returns or index == 0 or before <= level:
            return self._still
        return self._still * min(1.0, AHEAD * level / (before - level))

    def add(self, x: Tensor, denoised: Tensor, sigma: float, full: bool, renewed: Tensor | None = None) -> bool:
        """Take what an evaluation gave; whether the steps before it are known better now, so that it pays to go again.

        x, denoised: [B, C, ...]; full: whether all of it was computed; renewed: see Motion.
        """
        level, gap = noise_level(sigma, self._mixed), self._open_gap
        self._returns = self._returns or (bool(self._known) and level >= self._known[-1][0])
        x = self._slopes.mix(x, level)
        if not full and level > 0:
            self._skip(gap, x, denoised, level)
            return False
        newest = Full(self._kept(x), self._kept(denoised), level, log_noise(level, True))
        self.before_gaps += self.before_gaps == len(self._known)
        self._known.append((level, newest))
        nodes = self._nodes_with(newest)
        if gap is None:
            return False
        gap.settle(nodes, self._restraint, x.device, renewed)
        self._closing = newest
        return bool(gap.nodes)

    def breaks(self) -> None:
        """The next evaluation to be added has other conditions: where slopes jump, nothing is interpolated across.

        The gap that it is in, or closes, stays as it was forecast.
        """
        self._breaks = True

    def _nodes_with(self, newest: Full) -> Sequence[Full]:
        """The full evaluations between which slopes are interpolated, newest first.

        One that closed a gap was computed at a drifted x: where another one follows it directly, that one serves. Where
        the sampler comes back to a level at once, those below it were evaluated ahead, off the way.
        """
        if newest.level <= 0:
            return ()
        if self._breaks and self._fulls and Slopes.jump(newest.slope, self._fulls[0].slope):
            self._fulls = []
        self._breaks = False
        if any(level == newest.level for level, _ in self._known[-3:-1]):
            self._fulls = [each for each in self._fulls if each.level >= newest.level]
        before = self._known[-2][1] if len(self._known) > 1 else None
        if before is self._closing:
            self._fulls = [each for each in self._fulls if each is not before]
        self._fulls = [newest, *self._fulls][:REMEMBERED]
        start = before.places[0] if isinstance(before, Gap) else newest.place
        return [self._fulls[index] for index in spaced([each.place for each in self._fulls], start)]

    def put_away(self) -> None:
        """Keep latents on the processor from now on; those of an open gap once it is settled."""
        self.device = PROCESSOR
        for part in {id(known): known for _, known in self._known}.values():
            part.put_away()

    def clear(self) -> None:
        """Drop all that is known."""
        self._known, self._fulls, self._closing = [], [], None

    def _skip(self, gap: Gap | None, x: Tensor, denoised: Tensor, level: float) -> None:
        gap = gap or (NoisyGap if self.noisy else Gap)(self.device)
        gap.take(x, denoised, level, log_noise(level, True), self._slopes)
        self._slopes.forget()  # nobody asks for this one again
        self._known.append((level, gap))

    def _kept(self, latent: Tensor) -> Tensor:
        return latent.clone() if self.device in (None, latent.device) else to_processor(latent)

    @property
    def _open_gap(self) -> Gap | None:
        newest = self._known[-1][1] if self._known else None
        return newest if isinstance(newest, Gap) else None

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        parts = {id(known): known for _, known in self._known}.values()
        return sum(part.nbytes for part in parts)


def latents_kept(full: Sequence[bool], repays_all: bool = False) -> int:
    """How many latents a replay keeps of a run with these full and skipped steps, one evaluation each.

    repays_all: whether nothing is kept of a gap once it is settled; of one under fresh noise something is.
    """
    gaps = [len(list(gap)) for computed, gap in groupby(full) if not computed]
    is_open = bool(gaps) and not full[-1]
    kept = gaps[len(gaps) - is_open :] if repays_all else gaps
    return 2 * sum(full) + sum(min(gap, 2) for gap in kept) + (is_open and gaps[-1] > 1)  # then their sum, too
