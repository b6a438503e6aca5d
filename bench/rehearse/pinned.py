"""Memory of the processor that is pinned: the card reads and writes it by itself, when its turn comes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

# Bytes from memory that is not pinned which the driver takes at once; of more it waits for the device.
STAGED = 64 << 10


def pin(made: Tensor) -> None:
    """This tensor was made in pinned memory."""
    made.untyped_storage().pinned = True


def is_pinned(tensor: Tensor) -> bool:
    """Whether it is in pinned memory."""
    return getattr(tensor.untyped_storage(), "pinned", False)


def goes_on(source: Tensor, made: Tensor, asked: bool | None) -> bool:
    """Whether Python goes on while a copy between devices is made, if it was asked to."""
    staged = source.device.type == "cpu" and source.numel() * source.dtype.itemsize <= STAGED
    return bool(asked) and (staged or is_pinned(source) or is_pinned(made))


def leaves_alone(between: bool, given: Sequence[Tensor], made: Sequence[Tensor]) -> bool:
    """Whether the processor itself does not read pinned memory: in a view, and in a copy between devices as it is."""
    if between:
        return given[-1].is_contiguous() and made[0].is_contiguous() and given[-1].dtype == made[0].dtype
    return all(each.untyped_storage() is given[0].untyped_storage() for each in made)
