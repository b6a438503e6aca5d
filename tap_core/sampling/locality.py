"""What holds where the tokens of a picture are shared out among processes, as sequence-parallel packs do it.

The blocks then hold collective calls, for which every process waits. If one of them skips a step that another one
computes, both wait for ever. So each process has to decide from its own tokens what one process would for all:

* a schedule is local if it decides from step and timeline alone, as every `Schedule` does; an `AdaptiveSchedule` says
  so itself where it is;
* a predictor is local if it forecasts a token from that token alone, as every row of weights does; an
  `ExplicitPredictor` has `local`;
* a selection is local if a token's choice depends on its own losses alone, see `Selector.local`.

Among several processes all else falls back. To agree by an exchange of their own would be wrong where processes
make a picture each.
"""

import torch.distributed

from ..engine.selector import Selector
from ..predictors.pool import Pool
from ..schedule import AdaptiveSchedule
from ..schedules.registry import AnySchedule, schedule_name


def processes() -> int:
    """How many processes of torch.distributed this one works with, itself included."""
    known = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if known else 1


def schedule_is_local(schedule: AnySchedule) -> bool:
    """Whether it decides the same in every process."""
    return getattr(schedule, "local", not isinstance(schedule, AdaptiveSchedule))


def why_not_shared(schedule: AnySchedule, pool: Pool, selector: Selector) -> str:
    """Why a run with these cannot be shared out, and what to click; "" if it can."""
    reason = _what_is_not_local(schedule, pool, selector)
    return reason and (f"Several processes work together here, and each may have a part of the picture. {reason} "
                       "Until then every step is computed in full, so that none waits for another for ever.")


def _what_is_not_local(schedule: AnySchedule, pool: Pool, selector: Selector) -> str:
    if not schedule_is_local(schedule):
        return (f"The schedule {schedule_name(schedule)} looks at the whole picture. Take out TAP Schedule or TAP Method, or choose "
                "interval, list of steps, MagCache or Spectrum.")
    if not selector.local:
        return (f"The selection {selector.selection!r} looks at all tokens at once. Choose best or blend in TAP "
                "Predictor Pool.")
    strange = [member.family for member in pool.explicit if not member.local]
    if strange:
        return (f"The predictor {strange[0]} looks at several tokens at once. Switch on other families in TAP "
                "Predictor Pool, or take out TAP Method.")
    return ""
