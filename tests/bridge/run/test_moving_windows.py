"""A video in context windows that lie elsewhere at every step."""

from __future__ import annotations

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import WanContextWindowsManualNode
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.run_line import run_line
from tap_pack.tap_core.sampling.settings import TapSettings

from tiny_flux import Accelerated, sample
from tiny_models import patcher
from tiny_wan_family import T2V
from waiting import wait_until

FRAMES = 41  # of the latent, 161 of the video


@pytest.fixture(scope="module")
def video() -> ModelPatcher:
    """A tiny Wan."""
    return patcher(T2V.build_anew())


def windowed(video: ModelPatcher, schedule: str) -> ModelPatcher:
    """The node's defaults but for the schedule."""
    return WanContextWindowsManualNode.execute(video, 81, 30, schedule, 1, False, "pyramid", True).args[0]


def options(frames: int = FRAMES) -> dict:
    """What is sampled."""
    text = [[torch.randn(1, 7, T2V.context, generator=torch.Generator().manual_seed(1)), {}]]
    return {"positive": text, "negative": text, "latent": torch.zeros(1, 16, frames, 4, 6)}


def test_windows_that_move_are_computed_and_the_report_says_what_to_choose(video: ModelPatcher) -> None:
    moving = windowed(video, "standard_uniform")
    accelerated = Accelerated(moving)
    assert torch.equal(accelerated.sample(6, **options()), sample(moving, 6, **options()))
    (said,) = accelerated.record.fallbacks
    assert "schedule standard_uniform lie elsewhere" in said and "standard_static or batched" in said
    assert run_line(accelerated.record) == f"No step was forecast. {said}"


def test_the_node_says_it_before_the_first_step(video: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict] = []
    monkeypatch.setattr(live, "browser_of_prompt", lambda: events.append)
    moving = windowed(video, "looped_uniform")
    TapPatch(TapSettings(), RecordHolder(), "7").install(moving)
    sample(moving, 4, **options())
    assert wait_until(lambda: events and events[-1]["ended"])
    assert events[0]["line"].startswith("No step will be forecast. The context windows of schedule looped_uniform")
    assert events[0]["plan"] == "ffff"


@pytest.mark.parametrize(("schedule", "frames"), [
    ("standard_static", FRAMES), ("batched", FRAMES), ("standard_uniform", 21)])
def test_windows_that_stay_are_forecast(video: ModelPatcher, schedule: str, frames: int) -> None:
    accelerated = Accelerated(windowed(video, schedule), interval=3)
    accelerated.sample(8, **options(frames))
    assert accelerated.record.skipped_steps and not accelerated.record.fallbacks
