"""What TAP can do where several processes share the tokens of a picture, as in sequence-parallel packs.

The blocks then have collective calls, for which every process waits. If one process skips a step that another one
computes, both wait forever. So each process has to decide from its own tokens what one process would decide for all:

* a schedule is local if it decides only from step and timeline, as every `Schedule` does; an `AdaptiveSchedule` says
  so if it is;
* a predictor is local if it forecasts a token only from that token, as every row of weights does; an
  `ExplicitPredictor` has `local`;
* a selection is local if a token's choice depends only on its own losses, see `Selector.local`.

With anything else a run of several processes falls back. Processes could not exchange their decisions either: they may
make a picture each.
"""

import torch.distributed

from ..engine.selector import Selector
from ..predictors.pool import Pool
from ..schedule import AnySchedule
from ..schedules.ranged import parts_of
from ..schedules.registry import schedule_name

SHARED = "Several processes work together here, and each may have a part of the picture."
SHARED_QUALITY = (f"{SHARED} TAP cannot keep to a quality there, so as many steps are computed as interval says. For a "
                  "closer picture, lower interval.")


def processes() -> int:
    """Number of processes in torch.distributed, this one included."""
    known = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if known else 1


def schedule_is_local(schedule: AnySchedule) -> bool:
    """Whether it decides the same in every process."""
    return all(part.local for part in parts_of(schedule))


def why_not_shared(schedule: AnySchedule, pool: Pool, selector: Selector) -> str:
    """Why processes cannot share a run with these, and what to click; "" if they can."""
    reason = _what_is_not_local(schedule, pool, selector)
    return reason and f"{SHARED} {reason} Until then every step is computed in full, so that no process waits forever."


def _what_is_not_local(schedule: AnySchedule, pool: Pool, selector: Selector) -> str:
    watching = [part for part in parts_of(schedule) if not schedule_is_local(part)]
    if watching:
        return (f"The schedule {schedule_name(watching[0])} looks at the whole picture. Take out TAP Schedule or TAP "
                "Method, or choose interval, list of steps, MagCache or Spectrum.")
    if not selector.local:
        return (f"The selection {selector.selection!r} looks at all tokens at once. Choose best or blend in TAP "
                "Predictor Pool.")
    not_local = [member.family for member in pool.explicit if not member.local]
    if not_local:
        return (f"The predictor {not_local[0]} looks at several tokens at once. Switch on other families in TAP "
                "Predictor Pool, or take out TAP Method.")
    return ""
