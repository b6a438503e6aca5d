"""How much memory a piece of work keeps and how much it needs at its peak, as the allocator reports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch


@dataclass(frozen=True)
class Allocations:
    """kept: bytes still held when the work is over; peak: the most at a time; both beyond what was held before."""

    kept: int
    peak: int


def watch_allocations(work: Callable[[], object], device: torch.device) -> Allocations:
    """Run the work and watch the allocator of the device, CUDA's or the CPU's; its result is dropped at once."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return Allocations(torch.cuda.memory_allocated(device) - before,
                           torch.cuda.max_memory_allocated(device) - before)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    # The allocator reports every allocation, and as a negative one every release.
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = list(accumulate((event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())), initial=0))
    return Allocations(held[-1], max(held))
