"""A model that a guider runs beside its own, as for a negative prompt: one sampling is one run, which the first leads.

ComfyUI asks the guider's own model for wrappers, and calls the second one with them; so the run of the first forecasts
both. Of the second one only ON_PRE_RUN is called. Were each to have a run, their replays would nest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ....tap_core.record.record import TapRecord
from .run_state import RunState

FOLLOWS = ("This model ran beside the guider's first one, and the TAP Accelerate node there decided for both; the "
           "settings of this one were not used.")
ALONE = ("TAP had no effect on this model: it runs beside the first model of its guider, and only the nodes of that "
         "one are asked. Put TAP on the first model; both models are then forecast.")


@dataclass(frozen=True)
class Leader:
    """The TAP node of a guider's own model. state: of its run; None if it made none."""

    node: object
    state: RunState | None


_LEADING: ContextVar[tuple[Leader, ...]] = ContextVar("tap_leading", default=())


@contextmanager
def leading(node: object, state: RunState | None) -> Iterator[None]:
    """While this lasts, the run of this TAP node forecasts every model of its guider."""
    before = _LEADING.set((*_LEADING.get(), Leader(node, state)))
    try:
        yield
    finally:
        _LEADING.reset(before)


def leaders() -> tuple[Leader, ...]:
    """Who leads in the guiders that sample now, one inside the other; empty if no first model has a TAP node."""
    return _LEADING.get()


def leads(node: object) -> bool:
    """Whether this TAP node is the one that leads."""
    return bool(leaders()) and leaders()[-1].node is node


def record_of_none(model: str, why: str = ALONE) -> TapRecord:
    """The record of a sampling on which TAP had no effect. why: in words."""
    return TapRecord(model=model, fallbacks=[why], complete=True)
