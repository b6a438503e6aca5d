"""Rows: several devices at the same time, and tokens split across processes."""

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

from matrix_row import Holds, Row, accelerate, relative_error
from matrix_stage import Stage
from sharded_model import check_pictures_of_their_own, check_shared_picture
from sharded_tokens import cases, check_runs, check_steps, not_local
from two_processes import can_fork

GROUP = "Several devices"
DEVICES = [torch.device("cpu"), torch.device("cpu:0")]


@contextmanager
def two_devices(stage: Stage) -> Iterator[ModelPatcher]:
    """ComfyUI's MultiGPU work units with two clones of the model; both are on the CPU, each has its own thread."""
    model = stage.build()
    model.load_device = DEVICES[0]
    model.cached_patcher_init = (stage.build, ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comfy.model_management, "get_all_torch_devices", lambda **_: DEVICES)
        yield comfy.multigpu.create_multigpu_deepclones(model, 2)


def prompts_on_two_devices(stage: Stage) -> str:
    """The prompts are computed at the same time, each on its device: the same picture with every schedule."""
    schedules = [None, TeaCacheSchedule(threshold=0.5, coefficients=(1.0, 0.0)), ConfidenceGateSchedule(threshold=0.5)]
    for schedule in schedules:
        model, wanted = accelerate(stage.build(), schedule=schedule)
        single = stage.sample(model)
        for _ in range(2):
            with two_devices(stage) as shared:
                model, holder = accelerate(shared, schedule=schedule)
                picture = stage.sample(model)
            record = holder.latest
            assert {e.full_calls + e.skipped_calls for e in record.evaluations} == {2}
            assert record.full_steps == wanted.latest.full_steps and record.skipped_steps
            assert record.fallbacks == wanted.latest.fallbacks
            assert relative_error(picture, single) < 1e-4
    return "the same picture"


def tokens_in_two_processes(stage: Stage) -> str:
    """A token's choice and forecast do not depend on where other tokens are; options that look at several fall back."""
    only_where_processes_fork()
    check_steps()
    check_runs()
    return f"{len(cases()) - len(not_local())} options give the same; computed in full: {', '.join(not_local())}"


def a_part_of_the_model(stage: Stage) -> str:
    """Tokens that are split inside the model, between its first and its last block."""
    only_where_processes_fork()
    return check_shared_picture(stage)


def a_picture_each(stage: Stage) -> str:
    """Processes that know of each other, and each make a picture."""
    only_where_processes_fork()
    return check_pictures_of_their_own(stage)


def only_where_processes_fork() -> None:
    """Leaves the row out on a system that cannot fork."""
    if not can_fork():
        pytest.skip("this system cannot fork")


ROWS = [
    Row(GROUP, "MultiGPU work units: prompts at the same time", Holds("the same picture", prompts_on_two_devices),
        models=("FLUX", "Wan")),
    Row(GROUP, "tokens split across processes, in the engine",
        Holds("the same choice and forecast; options that look at several tokens are computed in full, and say why",
              tokens_in_two_processes), models=("FLUX",)),
    Row(GROUP, "tokens split across processes, inside the model",
        Holds("computed in full, and says why", a_part_of_the_model), models=("FLUX",)),
    Row(GROUP, "processes that each make a picture", Holds("forecast", a_picture_each), models=("FLUX",)),
]
