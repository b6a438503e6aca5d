"""Where the wrappers find the sampling run that they belong to: in ComfyUI's transformer options."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sampling import Sampling

RUN_KEY = "tap_sampling"


def sampling_of(options: dict) -> Sampling | None:
    """The sampling run that transformer options belong to; None where TAP is not at work."""
    return options.get(RUN_KEY)
