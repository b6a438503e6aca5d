"""The proxy losses, TAP Eq. (7): how wrong a forecast p of the probe h is, per token. A new one is a function here."""

from collections.abc import Callable

from torch import Tensor

from ..predictors.per_token import length


def cosine(p: Tensor, h: Tensor) -> Tensor:
    """1 - cos, from [m, D] to [m, 1]."""
    return (p / length(p) - h / length(h)).square().sum(-1, keepdim=True) / 2


def l2(p: Tensor, h: Tensor) -> Tensor:
    """Mean square error over the channels."""
    return (p - h).square().mean(-1, keepdim=True)


def l1(p: Tensor, h: Tensor) -> Tensor:
    """Mean absolute error over the channels."""
    return (p - h).abs().mean(-1, keepdim=True)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"cosine": cosine, "l2": l2, "l1": l1}
PROXY_LOSSES = tuple(LOSSES)
