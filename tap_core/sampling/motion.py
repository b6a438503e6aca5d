"""How a sampler moves x: in plain steps along d, in other steps, or with fresh noise.

d = (x - denoised) / sigma: the sampler's slope. A plain step adds d times the change of sigma, as Euler's method does.
sigma is the sampler's own. The model may be told another one (pace.py): denoised is then its answer at that one, and d
is the slope along which the sampler moves x, not the model's own velocity.
"""

import torch
from torch import Tensor

from ..timeline import Timeline

# Largest distance of x from the end of a plain step, as shares of the step: rounding stays within the first, a
# multistep sampler's second-order term does not; noise moves x as far as the step itself.
PLAIN_TOLERANCE = 1e-2
NOISE_TOLERANCE = 0.5


class Motion:
    """The steps of one run so far; it never waits for the device. x, denoised: latents [B, C, ...].

    kept: [B, C, ...] true where an inpainting mask puts x back at every step, which says nothing about the sampler.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.kept: Tensor | None = None
        self._expected: tuple[Tensor, Tensor, float] | None = None  # end of a plain step, that step, its start
        self.plain: Tensor | None = None  # True while every step was plain; None before the first was seen
        self.noisy: Tensor | None = None  # True once a step carried noise
        self.jumps: Tensor | None = None  # whether the latest one did

    def watch(self, x: Tensor, position: float) -> None:
        """An evaluation of x starts: compare x with the end of a plain step."""
        if self._expected is None:
            return
        if self.kept is not None:
            self.kept = self.kept.to(x.device)
        expected, move, start = self._expected
        error, length = self._norm(x - expected), self._norm(move)
        plain, noisy = error < PLAIN_TOLERANCE * length, error > NOISE_TOLERANCE * length
        if position <= start:  # Heun's method and others evaluate a step several times: x has made no step
            plain, noisy = torch.zeros_like(plain), torch.zeros_like(noisy)
        self.jumps = noisy
        self.plain = plain if self.plain is None else self.plain & plain
        self.noisy = noisy if self.noisy is None else self.noisy | noisy

    def expect(self, x: Tensor, denoised: Tensor, sigma: float, position: float) -> None:
        """The evaluation is over: note the end of a plain step with this denoised picture."""
        step = self.step(sigma, position)
        if step is None:
            self._expected = None
            return
        move = (x - denoised) * (step / sigma)
        self._expected = x + move, move, position

    def _norm(self, values: Tensor) -> Tensor:
        return (values if self.kept is None else values.masked_fill(self.kept, 0)).norm()

    def step(self, sigma: float, position: float) -> float | None:
        """Length of the next step in sigma; None between steps or at sigma 0."""
        index = int(position)
        if index != position or index >= self.timeline.steps or sigma <= 0:
            return None
        return (self.timeline.sigmas[index + 1] - sigma) or None
