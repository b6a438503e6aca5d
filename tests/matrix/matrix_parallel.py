"""Rows: several devices at once, and tokens shared out among processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management
import comfy.multigpu
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule

from matrix_row import Holds, Row, accelerate, distance
from matrix_stage import Stage
from sharded_tokens import local_pools, pools

GROUP = "Several devices"
DEVICES = [torch.device("cpu"), torch.device("cpu:0")]


@contextmanager
def two_devices(stage: Stage) -> Iterator[ModelPatcher]:
    """ComfyUI's MultiGPU work units with two clones of the model; both stand on the CPU, each has its thread."""
    model = stage.build()
    model.load_device = DEVICES[0]
    model.cached_patcher_init = (stage.build, ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comfy.model_management, "get_all_torch_devices", lambda **_: DEVICES)
        yield comfy.multigpu.create_multigpu_deepclones(model, 2)


def prompts_on_two_devices(stage: Stage) -> str:
    """The prompts are computed at the same time, each on its device: the same picture, whatever decides the steps."""
    schedules = [None, TeaCacheSchedule(threshold=0.5, coefficients=(1.0, 0.0)), ConfidenceGateSchedule(threshold=0.5)]
    for schedule in schedules:
        alone, wanted = accelerate(stage.build(), schedule=schedule)
        single = stage.sample(alone)
        for _ in range(2):
            with two_devices(stage) as shared:
                model, holder = accelerate(shared, schedule=schedule)
                picture = stage.sample(model)
            record = holder.latest
            assert {e.full_calls + e.skipped_calls for e in record.evaluations} == {2}
            assert record.full_steps == wanted.latest.full_steps and record.skipped_steps
            assert record.fallbacks == wanted.latest.fallbacks
            assert distance(picture, single) < 1e-4
    return "the same picture"


# They look at more than one token at a time.
NOT_LOCAL = {"freqca", "selection: one for all", "selection: random", "dicache, one for all"}


def tokens_in_two_processes(stage: Stage) -> str:
    """Choice and forecast of a token are the same wherever the others are, but for what looks at several at a time."""
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system cannot fork")
    assert set(pools()) - local_pools() == NOT_LOCAL
    return f"{len(pools()) - len(NOT_LOCAL)} pools alike; not so {', '.join(sorted(NOT_LOCAL))}"


ROWS = [
    Row(GROUP, "MultiGPU work units: prompts at the same time", Holds("the same picture", prompts_on_two_devices),
        models=("FLUX", "Wan")),
    Row(GROUP, "tokens shared out among processes", Holds("the same choice and forecast", tokens_in_two_processes),
        models=("FLUX",)),
]
