"""Schedules that forecast a block, where a sampler comes by the same noise level twice."""

import torch
from tap_pack.tap_core.schedule import SKIP, Seen
from tap_pack.tap_core.schedules.adaptive import AdaptiveCourse
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.course import start
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

# A restart: steps 1 and 3, 2 and 4 share a sigma. What the block gives is a line in the steps.
RESTART = (1.0, 0.8, 0.6, 0.8, 0.6, 0.4, 0.2, 0.0)


def block_at(step: int) -> Tensor:
    return torch.full((1, 2, 3), 1.0 + step)


def course_to_step(schedule: ConfidenceGateSchedule | SpeculativeSchedule, last: int) -> AdaptiveCourse:
    """Its course before step `last`; steps 0, 2 and 4 were full."""
    course = start(schedule, Timeline(RESTART, "sigma"))
    for step in range(last):
        seen = seen_at(step, full=step % 2 == 0)
        if course.before(seen).asks:
            course.in_call(seen)
        course.after(seen)
    return course


def seen_at(step: int, full: bool = False) -> Seen:
    block = block_at(step)
    return Seen(float(step), RESTART[step], block=block, last_input=block, last_output=block, full=full)


def test_the_gate_forecasts_by_steps_where_full_steps_share_a_sigma() -> None:
    """Steps 2 and 4 do; by their sigmas no line goes through both."""
    course = course_to_step(ConfidenceGateSchedule(warmup=1, threshold=1e-5), 5)
    assert course.in_call(seen_at(5)) == SKIP


def test_the_check_of_the_last_block_forecasts_by_steps_where_full_steps_share_a_sigma() -> None:
    course = course_to_step(SpeculativeSchedule(warmup=1, order=1), 5)
    torch.testing.assert_close(course.before(seen_at(5)).verify, block_at(5))
