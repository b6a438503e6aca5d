"""The study of what a replay costs counts what there is to count."""

from __future__ import annotations

import pytest
import torch

from replay import command as replay_study


@pytest.mark.parametrize("side", [4, 8])
def test_replays_are_counted_with_all_that_they_read_and_write(side: int) -> None:
    latent = torch.zeros(1, 4, side, side)
    found, again, kept = replay_study.replays_of(latent)
    assert again == 11  # 12 full steps, a gap between each two
    assert kept == (2 * 12 + 2 * 11 - 1) * latent.nbytes  # the last gap is of one evaluation, and keeps one
    # The least: each of the 2 to 50 steps of a replay reads x, and writes the next one.
    assert found.nbytes > again * 2 * 2 * latent.nbytes
    assert found.nbytes == pytest.approx(found.operators * 3 * latent.nbytes, rel=0.2)


def test_views_are_free() -> None:
    with replay_study.Counting() as counting:
        torch.zeros(4, 4).view(16)[2:]
    assert counting.count.operators == 1
