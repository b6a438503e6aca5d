"""The study of what a replay costs counts what there is to count."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.course import FixedCourse
from tap_pack.tap_core.timeline import Timeline

from figures.page import read_results
from replay import command as replay_study

README = Path(__file__).resolve().parents[3] / "bench" / "replay" / "README.md"
AIM = 0.01


@pytest.mark.parametrize("side", [4, 8])
def test_replays_are_counted_with_all_that_they_read_and_write(side: int) -> None:
    latent = torch.zeros(1, 4, side, side)
    found, again, kept = replay_study.replays_of(latent, guidance=2.0)
    alone, again_alone, kept_alone = replay_study.replays_of(latent, guidance=1.0)
    assert (again_alone, kept_alone) == (again, 2 * 12 * latent.nbytes)
    assert alone.operators < found.operators
    assert again == 11  # 12 full steps, a gap between each two
    assert kept == (2 * 12 + 2 * 11 - 1) * latent.nbytes  # the last gap is of one evaluation, and keeps one
    # The least: each of the 2 to 50 steps of a replay reads x, and writes the next one.
    assert found.nbytes > again * 2 * 2 * latent.nbytes
    assert found.nbytes == pytest.approx(found.operators * 3 * latent.nbytes, rel=0.2)


def test_views_are_free() -> None:
    with replay_study.Counting() as counting:
        torch.zeros(4, 4).view(16)[2:]
    assert counting.count.operators == 1


def wan_of(found: dict) -> dict:
    """The row of Wan 2.1 14B."""
    return next(row for row in found["rows"] if row["model"].startswith("Wan"))


def test_what_is_said_of_the_aim_is_what_the_results_show() -> None:
    text, found = " ".join(README.read_text(encoding="utf-8").split()), read_results("replay")
    wan, demo = wan_of(found), found["demo"]
    shares = {"moves {:.2f} % of what": wan["nbytes"] / wan["step_nbytes"],
              "launches {:.0f} % as many": wan["operators"] / wan["step_operators"],
              f"takes {{:.1f}} % of a full step, which is {1000 * demo['step']:.0f} ms": demo["replay"] / demo["step"]}
    for words, share in shares.items():
        _, said, after = text.partition(words.format(100 * share))
        assert said and f"The aim is {'reached' if share < AIM else 'missed'}" in after.partition("*")[0], words
    assert f"keeps {wan['kept'] / wan['latent']:.0f} latents" in text
    assert f"all is repaid, and {wan['kept_without_guidance'] / wan['latent']:.0f} are kept" in text
    assert f"in place of its {demo['replays']} replays" in text


def test_what_is_said_of_the_steps_of_a_replay_is_so() -> None:
    steps = replay_study.STEPS
    sigmas = tuple(1 - step / steps for step in range(steps + 1))
    full = FixedCourse(TapSettings().schedule(), Timeline(sigmas)).planned
    ends = [number for number, (before, now) in enumerate(pairwise(full), 2) if now and not before]
    gone = sum(ends) / len(ends)
    wan = wan_of(read_results("replay"))
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert f"{gone:.0f} in the mean of a run of {steps}, in about ten operators each" in text
    assert 8 < wan["operators"] / gone < 13
