"""Targets that are found in what a model call returns: the denoised picture, and the slope that leads away from it.

x: [B, C, (T,) H, W] the noisy picture, sigma: [B, 1, ...] its noise level.  d = (x - denoised) / sigma: the slope, for
a flow model its velocity.  Tokens are patches of these, in float32: a model's output is small next to its stream.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .block_seam import BlockSeam
from .cut import Cut
from .part import Part
from .seam import Decide, Forward, Predict
from .targets import Captured

CALL_TARGETS = ("auto", "denoised", "slope")


@dataclass(frozen=True)
class CallTarget:
    """Reads one kind of target from a call's denoised picture and turns a forecast of it back into one.

    auto keeps both: without noise the slope is smoother; where a sampler adds noise, the denoised picture follows the
    noise in part. still: share of it that does not follow. noisy: whether noise was seen, a boolean scalar on the
    device; None is no.
    """

    kind: str
    x: Tensor
    sigma: Tensor
    cut: Cut
    noisy: Tensor | None = None
    still: float = 1.0

    def read(self, denoised: Tensor) -> Tensor:
        """The target [B, N, C] in a denoised picture."""
        parts = []
        if self.kind != "slope":
            parts.append(self.cut.tokens(denoised))
        if self.kind != "denoised":
            parts.append(self.cut.tokens((self.x - denoised) / self.sigma))
        return torch.cat(parts, dim=-1)

    def write(self, target: Tensor) -> Tensor:
        """The denoised picture that a forecast [B, N, C] implies at x."""
        if self.kind == "denoised":
            return self._picture(target)
        if self.kind == "slope":
            return self._follow(target)
        if self.noisy is None:
            return self._follow(target.chunk(2, dim=-1)[1])
        denoised, slope = self.cut.two_latents(target, self.x.shape)
        follows = self.x - self.sigma * slope
        return torch.where(self.noisy, follows.lerp(denoised.to(follows), self.still), follows)

    def merged(self, denoised: Tensor, target: Tensor, part: Part) -> Tensor:
        """The denoised picture of a part's tokens, and what a forecast [B, N, C] implies of the others."""
        tokens = part.merged(self.cut.tokens(denoised), self.cut.tokens(self.write(target)))
        return self.cut.latent(tokens, denoised.shape)

    def _follow(self, slope: Tensor) -> Tensor:
        return self.x - self.sigma * self._picture(slope)

    def _picture(self, tokens: Tensor) -> Tensor:
        return self.cut.latent(tokens, self.x.shape)


class NoTarget:
    """The target of a block seam inside a CallSeam, which reads the real target: nothing is forecast here."""

    at_output = True

    def read(self, captured: Captured, whole: Tensor) -> Tensor:
        """Only a stand-in until the call has ended."""
        return whole

    def write(self, captured: Captured, whole: Tensor) -> Tensor:
        """Unchanged; nobody looks at it."""
        return whole


class CallSeam:
    """A block seam for the probe, in a call whose output holds the target."""

    def __init__(self, inner: BlockSeam, target: CallTarget) -> None:
        self.inner, self.target, self.captured = inner, target, inner.captured

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the call in full and capture its probe and target."""
        return self.read(self.inner.compute(forward, options))

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """What the call would return if its target were `predict(probe)` [B, N, C]."""
        unread = self.inner.unread
        return self._write(self.inner.forecast(forward, options, predict, unread and unread.of_call(self._call)))

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """Compute or forecast, as `decide` chooses at block 0."""
        output = self.inner.attempt(forward, options, decide, verify)
        return self._write(output) if self.captured.skipped else self.read(output)

    def compute_part(self, forward: Forward, options: dict, predict: Predict, part: Part) -> Tensor:
        """Compute a part of the tokens, see BlockSeam."""
        output = self.inner.compute_part(forward, options, predict, part)
        if not self.captured.part:
            return self.read(output)
        return self.target.merged(output, self.captured.target, part)

    def capture_probe(self, forward: Forward, options: dict) -> None:
        """Capture only the probe."""
        self.inner.capture_probe(forward, options)

    def read(self, denoised: Tensor) -> Tensor:
        """Capture the target in what the call returned, and return that."""
        if self.captured.complete:
            self.captured.target = self.target.read(denoised)
        if self.inner.unread is not None:
            self.inner.unread.note(self._call, denoised)
        return denoised

    @property
    def _call(self) -> tuple[object, ...]:
        """What was called, and the arguments by which its result may look another way."""
        return self.inner.model, self.target.x, self.target.sigma

    def _write(self, output: Tensor) -> Tensor:
        return self.target.write(self.captured.target).to(output.dtype) if self.captured.complete else output
