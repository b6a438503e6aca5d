"""Wan Animate 2: a pose runs beside the video, and what it is made of may be kept over steps."""

from __future__ import annotations

from collections import UserDict

import pytest
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

from tiny_models import sample
from tiny_table import ALL_ROWS

ROW = next(row for row in ALL_ROWS if row.name.startswith("Wan Animate 2"))


class Kept(UserDict):
    """The model's own cache of the pose. ComfyUI copies plain dicts in its options."""


def video(kept: Kept | None = None, lost_at: int = -1) -> tuple[Tensor, TapRecord]:
    """A video, its record. lost_at: the step before which the cache is emptied."""
    model, holder = ROW.patcher(), RecordHolder()
    options = model.model_options["transformer_options"]
    if kept is not None:
        options["animate2_cache"] = kept
    TapPatch(TapSettings(interval=3, warmup_steps=2, placement="paper", correction="off"), holder).install(model)
    steps = iter(range(6))

    def each_step(args: dict) -> Tensor:
        if next(steps) == lost_at - 1:
            kept.clear()
        return args["denoised"]

    model.set_model_sampler_post_cfg_function(each_step)
    with torch.inference_mode():
        return sample(ROW, model, next(iter(ROW.sizes)), steps=6), holder.latest


@pytest.mark.parametrize("lost_at", [-1, 2, 3, 4])
def test_a_pose_that_the_model_keeps_stays_right_even_if_it_is_lost_before_a_skipped_step(lost_at: int) -> None:
    without, _ = video()
    kept = Kept()
    made, record = video(kept, lost_at)
    assert record.fallbacks == [] and record.skipped_steps == [2, 3, 5]
    assert torch.equal(made, without)
    assert len(kept) == len(ROW.build().diffusion_model.blocks)
