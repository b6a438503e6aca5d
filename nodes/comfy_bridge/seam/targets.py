"""What is forecast, and how it is read and put back after the last block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from .adapter import Entry
from .layout import Whole


@dataclass
class Captured:
    """What was captured of a forward so far.

    start: [B, N, D] the stream before block 0, if the target needs it. probe: [B, N, D]. target: [B, N, C].
    attended: what entered block 0's attention, if that was watched, in the model's shape. projected: what that got
    already projected, and its layer that projects. complete: the final layer was reached. entries: how often block 0
    was called. mismatch: it is not as the adapter says. other_tokens: it did not get the picture's tokens. picture: the
    output is a picture [B, C, (T,) H, W] instead of tokens. skipped: the blocks were skipped. part: they ran on some
    tokens, and the others were forecast. replaced: places of the blocks whose result another node gave without running
    them.
    For schedules that look at them: stream, block [B, N, D] what enters and leaves block 0; last_input, last_output
    [B, M, D] the same of the last block, all tokens.
    """

    picture: bool = False
    entry: Entry | None = None
    start: Tensor | None = None
    probe: Tensor | None = None
    target: Tensor | None = None
    attended: Tensor | None = None
    projected: tuple[Tensor, nn.Module] | None = None
    complete: bool = False
    mismatch: bool = False
    other_tokens: bool = False
    entries: int = 0
    stream: Tensor | None = None
    block: Tensor | None = None
    last_input: Tensor | None = None
    last_output: Tensor | None = None
    skipped: bool = False
    part: bool = False
    replaced: Sequence[int] = ()


class Target(Protocol):
    """One kind of target. at_output: whether it is in the output tokens, else in the final layer's input."""

    at_output: bool

    def read(self, captured: Captured, whole: Whole) -> Tensor:
        """On a full step: the target [B, N, C] in the layer's output or input."""
        ...

    def write(self, captured: Captured, whole: Whole) -> Whole:
        """On a skipped step: `whole` with `captured.target` put in."""
        ...


class ResidualTarget:
    """The stream after the last block minus the stream before block 0, TAP Eq. (6)."""

    at_output = False

    def read(self, captured: Captured, whole: Whole) -> Tensor:
        """The difference that the blocks make."""
        return image_tokens(whole, captured) - captured.start

    def write(self, captured: Captured, whole: Whole) -> Whole:
        """The stream before block 0 plus the difference."""
        return with_image_tokens(whole, captured.start + captured.target, captured)


class OutputTarget:
    """The final layer's output tokens: a flow model's velocity, patch by patch."""

    at_output = True

    def read(self, captured: Captured, whole: Whole) -> Tensor:
        """A copy of them."""
        return image_tokens(whole, captured).clone()

    def write(self, captured: Captured, whole: Whole) -> Whole:
        """The forecast tokens."""
        return with_image_tokens(whole, captured.target, captured)


TARGET_KINDS: dict[str, Target] = {"residual": ResidualTarget(), "output": OutputTarget()}


def image_tokens(whole: Whole, captured: Captured) -> Tensor:
    """The picture's tokens [B, N, C] in `whole`; the model may have cut off all others already."""
    entry = captured.entry
    if captured.picture:
        return entry.cut.tokens_of(_parts(whole))
    tokens = entry.adapter.tokens(whole, entry)
    return tokens if tokens.shape[1] == entry.count else tokens[:, entry.image]


def with_image_tokens(whole: Whole, part: Tensor, captured: Captured) -> Whole:
    """`whole` with its image tokens replaced by `part` [B, N, C]; neither is changed."""
    entry = captured.entry
    if captured.picture:
        before = _parts(whole)
        made = entry.cut.parts(part, [picture.shape for picture in before])
        made = [picture.to(was.dtype) for picture, was in zip(made, before, strict=True)]
        return made[0] if torch.is_tensor(whole) else made
    tokens = entry.adapter.tokens(whole, entry)
    if tokens.shape[1] != entry.count:
        tokens = tokens.clone()
        tokens[:, entry.image] = part.to(tokens.dtype)
        part = tokens
    return entry.adapter.like(part, whole, entry)


def _parts(whole: Whole) -> Sequence[Tensor]:
    return [whole] if torch.is_tensor(whole) else whole
