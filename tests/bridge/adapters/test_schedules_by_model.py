"""Schedules that look into the model, on every architecture of the table.

What depends on the model: that block 0 is reached and run unchanged, that a call can turn to either side there, and
that the last block is reached. Each model shows each of these once, by the schedule that asks most of it. Where the
target is read does not depend on the schedule: test_adapters.py reads both on every model, so that here one model of
each kind of seam has both. tests/bridge/run/test_schedules.py has all the schedules, on one model.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest
import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.nodes.comfy_bridge.seam.in_out_seam import InOutAdapter
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from torch import Tensor

from tiny_models import TinyModel, sample
from tiny_table import ALL_ROWS, KINDS

# The first, the last, and two between them: enough for a history of two, and for what follows a wrong forecast.
STEPS = 4


@pytest.fixture(scope="module", params=ALL_ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> TinyModel:
    """One row after the other; a model that this ComfyUI does not have is skipped by name."""
    if not request.param.known:
        pytest.skip("not in this ComfyUI")
    return request.param


def sampled(row: TinyModel, schedule: AnySchedule | None, target: str = "residual") -> tuple[Tensor, TapRecord | None]:
    """The picture of a short run, stock if there is no schedule, and its record."""
    model, holder, shape = row.patcher(), RecordHolder(), next(iter(row.sizes))
    if schedule is not None:
        TapPatch(TapSettings(given_schedule=schedule, target=target), holder).install(model)
    with torch.inference_mode():
        return sample(row, model, shape, row.batch, 1.0 if row.lone else 2.0, STEPS), holder.latest


def has_blocks(row: TinyModel) -> bool:
    return not isinstance(find_adapter(row.build().diffusion_model), InOutAdapter)


def test_a_call_that_turns_full_after_block_0_is_bit_equal_to_stock(row: TinyModel) -> None:
    stock, _ = sampled(row, None)
    for target in ("residual", "output") if row.name in KINDS else ("residual",):
        output, record = sampled(row, DiCacheSchedule(threshold=0.0, retention=0.0, difference=True), target)
        assert torch.equal(output, stock)
        if has_blocks(row):
            assert {e.reason for e in record.evaluations} == {"warm-up", "first block changed", "last step"}
            assert not record.fallbacks


def test_a_first_block_that_agrees_lets_all_others_be_skipped(row: TinyModel) -> None:
    output, record = sampled(row, DiCacheSchedule(threshold=math.inf, retention=0.0))
    assert output.isfinite().all()
    assert record.full_steps == ([0, STEPS - 1] if has_blocks(row) else list(range(STEPS)))
    assert bool(record.fallbacks) is not has_blocks(row)


def last_block_verified(row: TinyModel) -> list[int]:
    """The full steps of a run that verifies its last block; if it cannot be verified, the next step is full."""
    output, record = sampled(row, SpeculativeSchedule(threshold=math.inf, min_skip=1, max_skip=0, warmup=2))
    assert output.isfinite().all()
    return record.full_steps


def test_the_last_block_is_verified(row: TinyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_blocks(row):
        pytest.skip("no blocks are known")
    if row.kind == "HiDreamO1":
        number_references(monkeypatch, itertools.count())
    assert last_block_verified(row) == [0, 1]


@pytest.mark.parametrize("numbers", [(0, 0, 2, 3, 4, 5), (0, 1, 1, 3, 4, 5), (0, 1, 0, 3, 4, 5)])
def test_a_stream_of_another_length_cannot_be_verified(
    numbers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = (row for row in ALL_ROWS if row.name == "HiDream-O1 references")
    if not row.known:
        pytest.skip("not in this ComfyUI")
    row.build().diffusion_model.clear_kv_cache()
    number_references(monkeypatch, iter(numbers))
    assert last_block_verified(row) == [0, 1, 3]


def number_references(monkeypatch: pytest.MonkeyPatch, numbers: Iterator[int]) -> None:
    """Tells HiDream-O1's references apart by these numbers.

    ComfyUI goes by the id() of a tensor that every step makes anew, so that it depends on chance whether it takes two
    steps' references for the same and leaves the text out of the stream, because its cache has the text.
    """
    monkeypatch.setattr("comfy.ldm.hidream_o1.model.id", lambda tensor: next(numbers), raising=False)
