"""Rows: several devices at once, and tokens shared out among processes."""

from __future__ import annotations

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
from sharded_model import check_pictures_of_their_own, check_shared_picture
from sharded_tokens import cases, check_runs, check_steps, not_local
from two_processes import can_fork

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


def tokens_in_two_processes(stage: Stage) -> str:
    """Choice and forecast of a token are the same wherever the others are; what looks at several tokens falls back."""
    only_where_processes_fork()
    check_steps()
    check_runs()
    return f"{len(cases()) - len(not_local())} options alike; in full with {', '.join(not_local())}"


def a_part_of_the_model(stage: Stage) -> str:
    """Tokens that are shared out inside the model, between its first and its last block."""
    only_where_processes_fork()
    return check_shared_picture(stage)


def a_picture_each(stage: Stage) -> str:
    """Processes that know of each other, and make a picture each."""
    only_where_processes_fork()
    return check_pictures_of_their_own(stage)


def only_where_processes_fork() -> None:
    """Leave the row out on a system whose processes do not begin as copies."""
    if not can_fork():
        pytest.skip("this system cannot fork")


ROWS = [
    Row(GROUP, "MultiGPU work units: prompts at the same time", Holds("the same picture", prompts_on_two_devices),
        models=("FLUX", "Wan")),
    Row(GROUP, "tokens shared out among processes, in the engine",
        Holds("the same choice and forecast; in full, saying why, with options that look at more than one token",
              tokens_in_two_processes), models=("FLUX",)),
    Row(GROUP, "tokens shared out among processes, inside the model",
        Holds("computed in full, and says why", a_part_of_the_model), models=("FLUX",)),
    Row(GROUP, "processes that make a picture each", Holds("forecast", a_picture_each), models=("FLUX",)),
]
