"""Schedules that look into the model, on every architecture of the table."""

from __future__ import annotations

import math

import pytest
import torch
from tap_pack.nodes.comfy_bridge.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.in_out_seam import InOutAdapter
from tap_pack.nodes.comfy_bridge.sampling_run import TapPatch
from tap_pack.tap_core.record import RecordHolder, TapRecord
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.registry import AnySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.settings import TapSettings
from torch import Tensor

from tiny_models import TinyModel, patcher, sample
from tiny_table import ALL_ROWS

STEPS = 6
# ComfyUI keeps the text of these in a cache by the id of a tensor that every step makes anew: whether the stream of a
# step still holds the text is chance, and a stream of another length than the last full one's cannot be verified.
LENGTH_BY_CHANCE = {"HiDream-O1 references"}


@pytest.fixture(scope="module", params=ALL_ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> TinyModel:
    """One row after the other; a model that this ComfyUI does not have is skipped by name."""
    if not request.param.known:
        pytest.skip("not in this ComfyUI")
    return request.param


def sampled(row: TinyModel, schedule: AnySchedule | None, target: str = "residual") -> tuple[Tensor, TapRecord | None]:
    """A short sampling, stock without a schedule, and its record."""
    model, holder, shape = patcher(row.build()), RecordHolder(), next(iter(row.sizes))
    if schedule is not None:
        TapPatch(TapSettings(given_schedule=schedule, target=target), holder).install(model)
    with torch.inference_mode():
        return sample(row, model, shape, row.batch, 1.0 if row.lone else 2.0, STEPS), holder.latest


def has_blocks(row: TinyModel) -> bool:
    return not isinstance(find_adapter(row.build().diffusion_model), InOutAdapter)


@pytest.mark.parametrize("target", ["residual", "output"])
def test_a_call_that_turns_full_behind_block_0_is_bit_equal_to_stock(row: TinyModel, target: str) -> None:
    output, record = sampled(row, DiCacheSchedule(threshold=0.0, retention=0.0, difference=True), target)
    assert torch.equal(output, sampled(row, None)[0])
    if has_blocks(row):
        assert {e.reason for e in record.evaluations} == {"warm-up", "first block changed", "last step"}
        assert not record.fallbacks


def test_a_first_block_that_is_content_lets_all_others_be_skipped(row: TinyModel) -> None:
    output, record = sampled(row, DiCacheSchedule(threshold=math.inf, retention=0.0))
    assert output.isfinite().all()
    assert record.full_steps == ([0, STEPS - 1] if has_blocks(row) else list(range(STEPS)))
    assert bool(record.fallbacks) is not has_blocks(row)


def test_the_last_block_is_verified(row: TinyModel) -> None:
    if not has_blocks(row):
        pytest.skip("no blocks are known")
    # A step that could not be verified makes the next one full.
    output, record = sampled(row, SpeculativeSchedule(threshold=math.inf, min_skip=1, max_skip=0, warmup=2))
    assert output.isfinite().all()
    unverified = [e.position for e in record.evaluations if e.reason == "last block not foreseen"]
    assert record.full_steps == [0, 1, *unverified]
    assert not unverified or row.name in LENGTH_BY_CHANCE
