"""Tensors that are kept on the processor for a while, because the device has little room.

Python does not wait for copies from and to a CUDA device: memory on the processor is pinned, and the device writes and
reads it when its turn comes, in the order of its work. Until then the memory holds nothing. So nothing is computed on
the processor from such a tensor: all of it goes through `to_device` first.
"""

import torch
from torch import Tensor

PROCESSOR = torch.device("cpu")


def to_processor(values: Tensor) -> Tensor:
    """A copy of a tensor of the device, in one piece; the tensor itself if it is on the processor."""
    if values.device.type != "cuda":
        return values.cpu()
    try:
        kept = torch.empty(values.shape, dtype=values.dtype, device=PROCESSOR, pin_memory=True)
    except RuntimeError:  # systems limit how much may be pinned
        return values.cpu()
    return kept.copy_(values, non_blocking=True)


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """The tensor as it is, on this device: types are changed there, never on the way."""
    # Out of memory that is not pinned the copy waits anyway, and back from other devices it could be read too early.
    return values if values.device == device else values.to(device, non_blocking=values.is_pinned())
