"""Runs a schedule over a made-up trajectory, as a run does, but without a model."""

from __future__ import annotations

from collections.abc import Callable

from tap_pack.tap_core.schedule import AnySchedule, Seen
from tap_pack.tap_core.schedules.course import start
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

Show = Callable[[int], dict[str, Tensor]]


def even_timeline(steps: int) -> Timeline:
    """Sigmas from 1 down to 0, evenly."""
    return Timeline(tuple(1 - i / steps for i in range(steps + 1)))


def walk(schedule: AnySchedule, steps: int, show: Show | None = None) -> list[int]:
    """The steps that are computed in full. show(step): what its evaluation shows, by the names of `Seen`."""
    timeline = even_timeline(steps)
    course, full = start(schedule, timeline), []
    for step in range(steps):
        shown = show(step) if show else {}
        seen = Seen(float(step), timeline.sigmas[step], x=shown.get("x"))
        decision = course.before(seen)
        for name in course.needs:
            setattr(seen, name, shown.get(name))
        if decision.asks:
            decision = course.in_call(seen)
        seen.full = decision.full
        seen.denoised = shown.get("denoised") if decision.denoised is None else decision.denoised
        course.after(seen)
        full += [step] if decision.full else []
    return full
