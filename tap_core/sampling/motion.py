"""Whether a sampler adds noise: x is compared with the end of a plain step along d.

d = (x - denoised) / sigma: the sampler's slope. A plain step adds d times the change of sigma, as Euler's method does.
sigma is the sampler's own. The model may be told another one (pace.py): denoised is then its answer at that one, and d
is the slope along which the sampler moves x, not the model's own velocity.
"""

from functools import partial

import torch
from torch import Tensor

from ..timeline import Timeline
from .readback import Ask
from .slopes import Slopes

# Largest distance of x from the end of a plain step, as a share of the step, that is not taken for noise: a multistep
# sampler's second-order term stays within it; noise moves x as far as the step itself. A power of two: that share is
# exact, and the whole step is had from it bit for bit.
NOISE_TOLERANCE = 0.5
# A sampler that draws this share of its noise anew at each step has buried a drift before it could be repaid.
BURIED = 0.25
# One whose steps all draw more than this share anew adds noise; others have plain steps, such as the first one.
LITTLE = 0.003


class Motion:
    """The steps of one run so far; it never waits for the device. x, denoised: latents [B, C, ...].

    kept: [B, C, ...] true where an inpainting mask puts x back at every step, which says nothing about the sampler.
    slopes: the run's.
    """

    def __init__(self, timeline: Timeline, slopes: Slopes | None = None) -> None:
        self.timeline, self._slopes = timeline, slopes or Slopes()
        self.kept: Tensor | None = None
        self._expected: tuple[Tensor, Tensor, float] | None = None  # end of a plain step, what is near it, its start
        self.noisy: Tensor | None = None  # True once a step carried noise; None before the first was seen
        self.jumps: Tensor | None = None  # whether the latest one did
        self._renewed: Tensor | None = None
        self._jumped: list[tuple[Tensor, float | Tensor]] = []  # not in there yet, see `_renew`
        self._turned: Tensor | None = None
        self._turns: list[tuple[Tensor, Tensor]] = []  # not in there yet: jumps, and how far is near
        self._steps, self._turned_at = 0, 0.0
        self.adds_noise = False  # where other numbers were drawn to see it
        self.again: Tensor | None = None  # at a level that is evaluated again: how far x is off, and a step's length
        self._arrived: Tensor | None = None  # how far is near, after the step that led to the current level

    def ask(self, ask: Ask) -> None:
        """Have `ask` read whether there is noise, and how much of it is new, which is then on the processor."""
        if self.noisy is not None:
            ask(self.noisy, self._is_noisy)
        if self.renewed is not None:
            ask(self.renewed, partial(setattr, self, "_renewed"))
        if self._all_turns is not None:
            ask(self._all_turns, partial(setattr, self, "_turned"))

    def _is_noisy(self, noisy: Tensor) -> None:
        self.noisy = noisy.bool()

    @property
    def renewed(self) -> Tensor | None:
        """The smallest share of its noise that a step drew anew, a scalar; skipped steps only note."""
        for jump, double in self._jumped:
            renewed = jump.square() / double
            self._renewed = renewed if self._renewed is None else torch.minimum(self._renewed, renewed)
        self._jumped = []
        return self._renewed

    @property
    def _all_turns(self) -> Tensor | None:
        """The sum over whole steps so far of how far they ended off plain ones, a scalar; skipped steps only note."""
        if self._turns:
            jumps, near = (torch.stack(each) for each in zip(*self._turns, strict=True))
            turned = (jumps / near).nan_to_num(nan=0.0, posinf=0.0).sum() * NOISE_TOLERANCE
            self._turned, self._turns = turned if self._turned is None else self._turned + turned, []
        return self._turned

    @property
    def turned(self) -> Tensor | None:
        """How far steps ended off plain ones, as a share of the step, in the mean: a scalar; None before the first.

        It is 0 where noise is seen to be added, which takes x off its way, too.
        """
        if self._all_turns is None or self.renewed is None:
            return None
        return self._all_turns / self._steps * (self.renewed < LITTLE) * (not self.adds_noise)

    @property
    def buries(self) -> bool:
        """Whether each step draws so much noise anew that a drift is buried. Waits for the device if it must."""
        return self.renewed is not None and bool(self.renewed >= BURIED)

    def watch(self, x: Tensor, position: float) -> None:
        """An evaluation of x starts: compare x with the end of a plain step."""
        self.again = None
        if self._expected is None:
            return
        if self.kept is not None:
            self.kept = self.kept.to(x.device)
        expected, near, start = self._expected
        limit = self._norm(near)
        if position > start:
            jump = self._norm(x - expected)
            self.jumps, self._arrived = jump > limit, limit
            self._renew(jump, x.numel(), position)
            if position == start + 1 and position != self._turned_at:  # once, and not in the middle of a step
                self._turns.append((jump, limit))
                self._steps, self._turned_at = self._steps + 1, position
        elif position == start:  # Heun's method and others evaluate a level again, not farther off than a step is long
            longest = limit if self._arrived is None else torch.maximum(limit, self._arrived)
            off = torch.add(x - expected, near, alpha=1 / NOISE_TOLERANCE)
            self.again = torch.stack([self._norm(off), longest / NOISE_TOLERANCE])
        if position <= start:
            self.jumps = torch.zeros_like(limit, dtype=torch.bool)
        self.noisy = self.jumps if self.noisy is None else self.noisy | self.jumps

    def count_repeat(self) -> None:
        """The current level is evaluated again for another latent: farther off than a step is long, it is noise."""
        if self.again is not None:
            self.noisy = self.noisy | (self.again[0] > self.again[1])

    def _renew(self, jump: Tensor, size: int, position: float) -> None:
        """See how much of the noise is new: of two noises of the same size the squares of their difference are double.

        jump: length of the way from the end of a plain step; size: how many numbers x has.
        """
        sigma = self.timeline.sigma_at(position)
        if sigma > 0:
            moving = size if self.kept is None else (~self.kept).sum().clamp(min=1)
            self._jumped.append((jump, 2 * sigma**2 * moving))

    def expect(self, x: Tensor, denoised: Tensor, sigma: float, position: float) -> None:
        """The evaluation is over: note the end of a plain step with this denoised picture."""
        index, self._expected = int(position), None
        if index != position or index >= self.timeline.steps or sigma <= 0:  # between steps, or at the end
            return
        step = self.timeline.sigmas[index + 1] - sigma
        if step:
            near = self._slopes.off(x, denoised) * (NOISE_TOLERANCE * step / sigma)
            self._expected = torch.add(x, near, alpha=1 / NOISE_TOLERANCE), near, position

    def _norm(self, values: Tensor) -> Tensor:
        return (values if self.kept is None else values.masked_fill(self.kept, 0)).norm()
