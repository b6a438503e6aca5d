"""What is kept of each step of a run, so that two runs can be compared to the bit without their tensors."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Steps:
    """ends: seconds of the processor from the start to the end of each step. finite: whether all answers are numbers.

    prints: each step's latent and answer, as a checksum. told: called at the end of each step.
    """

    told: Callable[[], object]
    start: float = field(default_factory=time.process_time)
    ends: list[float] = field(default_factory=list)
    prints: list[str] = field(default_factory=list)
    finite: bool = True

    def at_step(self, step: int, denoised: Tensor, x: Tensor, steps: int) -> None:
        """See models.timed_run."""
        self.ends.append(time.process_time() - self.start)
        self.prints.append(checksum(x, denoised))
        self.finite = self.finite and bool(denoised.isfinite().all())
        self.told()


def checksum(*tensors: Tensor) -> str:
    """Equal for tensors that are equal to the bit."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy())
    return found.hexdigest()[:16]
