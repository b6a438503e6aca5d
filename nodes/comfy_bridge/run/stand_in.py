"""What a sampler gets in place of the guider."""

import copy
from typing import Protocol

from torch import Tensor


class Answers(Protocol):
    """Who answers in the guider's place."""

    def answer(self, guider: object, x: Tensor, sigma: Tensor, *args: object, **kwargs: object) -> Tensor:
        """The denoised picture [B, C, ...] of one evaluation of x [B, C, ...]."""


class StandIn:
    """The guider itself but for its answers, whatever its class; isinstance takes it for the guider, too."""

    __slots__ = ("_guider", "_passes")

    def __init__(self, guider: object, passes: Answers) -> None:
        object.__setattr__(self, "_guider", guider)
        object.__setattr__(self, "_passes", passes)

    @property
    def __class__(self) -> type:
        return self._guider.__class__

    def __getattr__(self, name: str) -> object:
        if name in StandIn.__slots__:  # of one that is just being made, as by copying
            raise AttributeError(name)
        return getattr(self._guider, name)

    def __copy__(self) -> "StandIn":
        return StandIn(copy.copy(self._guider), self._passes)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._guider, name, value)

    def __call__(self, x: Tensor, sigma: Tensor, *args: object, **kwargs: object) -> Tensor:
        """See `Passes.answer` and `OwnCalls.answer`."""
        return self._passes.answer(self._guider, x, sigma, *args, **kwargs)
