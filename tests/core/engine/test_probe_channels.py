"""A probe on a part of its channels."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.engine.probe_channels import strided_probe
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings

from trajectories import even_timeline, noise


@pytest.mark.parametrize(("channels", "stride", "left"), [(3072, 4, 768), (3072, 1, 3072), (256, 8, 64), (100, 4, 100),
                                                          (16, 4, 16), (130, 2, 65)])  # fmt: skip
def test_enough_channels_are_left(channels: int, stride: int, left: int) -> None:
    probe = torch.arange(channels).expand(2, 3, channels)
    kept = strided_probe(probe, stride)
    assert kept.shape == (2, 3, left) and kept.data_ptr() == probe.data_ptr()
    assert torch.equal(kept[0, 0], torch.arange(channels)[:: -(-channels // left)])


def test_a_whole_probe_is_not_copied() -> None:
    probe = noise((1, 4, 256), 0)
    assert strided_probe(probe, 1) is probe


def run_of(stride: int) -> TapRun:
    """A run that remembers two full steps, at a skipped one."""
    timeline = even_timeline(50, "step")
    run = TapRun(TapSettings(probe_stride=stride), timeline.sigmas, "")
    for step in range(2):
        run.begin(timeline.sigmas[step], torch.device("cpu"))
        run.remember("one", noise((1, 30, 256), step).float(), noise((1, 30, 8), 10 + step).float())
    run.begin(timeline.sigmas[2], torch.device("cpu"))
    return run


def test_a_run_keeps_only_that_part_and_chooses_by_it() -> None:
    run = run_of(4)
    kept = run.memory.histories["one"].probes
    assert [probe.shape[-1] for probe in kept] == [64, 64]
    assert all(probe.untyped_storage().nbytes() == probe.nbytes for probe in kept)  # the other channels are not held
    probe = noise((1, 30, 256), 7).float()
    other = probe.clone()
    other[..., 1::4] += 5
    (one, choice), (same, _) = run.forecast("one", 0, probe), run.forecast("one", 0, other)
    assert torch.equal(one, same) and one.shape == (1, 30, 8) and choice.member.shape == (1, 30)
    assert not torch.equal(run_of(1).forecast("one", 0, other)[1].loss, choice.loss)
