"""Whether latents are the same, also those of a model that fails: NaN is NaN."""

from torch import Tensor


def same_values(x: Tensor, y: Tensor) -> Tensor:
    """Where two tensors of one shape have the same value bit for bit; where both have none, they are the same, too."""
    return (x == y) | (x.isnan() & y.isnan())
