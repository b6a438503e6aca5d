"""How memory is followed."""

from __future__ import annotations

import torch

from figures.allocations import watch_allocations

CPU = torch.device("cpu")


def test_the_allocator_tells_what_is_kept_and_the_peak() -> None:
    kept: list[torch.Tensor] = []

    def work() -> None:
        dropped = torch.ones(3000)
        kept.append(torch.ones(1000) + dropped[:1000])
        del dropped

    found = watch_allocations(work, CPU)
    assert found.kept == 4000
    assert found.peak == 3 * 4000 + 4000 + 4000
