"""What is kept of a measured run."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.calibrate.trace import Track


def test_a_trace_is_small_and_the_same_places_are_kept() -> None:
    track = Track(1.0)
    probe = torch.arange(2 * 600 * 700.0).view(2, 600, 700)
    for step in range(3):
        track.add(step, probe + step, probe[..., :4] * 2**step)
    kept = track.close()
    assert kept.probe.shape == (3, 256, 512)
    assert kept.target.shape == (3, 256, 4)
    assert torch.equal(kept.probe[1] - kept.probe[0], torch.ones(256, 512))
    assert kept.changes.ratio == pytest.approx([2.0, 2.0])
    assert kept.changes.target == pytest.approx([1.0, 1.0])
    # Over all tokens and channels, not over those that are kept.
    assert kept.changes.probe == pytest.approx([1 / float((probe + step).mean()) for step in range(2)])


def test_both_halves_of_a_wide_target_are_kept_at_the_same_channels() -> None:
    track = Track(1.0)
    halves = torch.arange(700.0).expand(1, 4, 700)
    for _ in range(2):
        track.add(0, halves, torch.cat([halves, -halves], dim=-1))
    picture, slope = track.close().target.chunk(2, dim=-1)
    assert picture.shape == (2, 4, 256)
    assert torch.equal(picture, -slope)
