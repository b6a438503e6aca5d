"""What a run will do, known before its first step."""

from dataclasses import dataclass

from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import keeps_to_quality
from ....tap_core.schedule import AdaptiveSchedule
from ....tap_core.schedules.course import why_none_is_skipped
from .plan_marks import FULL, SKIPPED

NOTHING = "No step will be forecast"


@dataclass(frozen=True)
class Plan:
    """words: the plan as a line. marks: a letter for each step; "" if the schedule decides during the run.

    snapshots: how many full steps each history will keep; 0 if nothing is kept.
    """

    words: str
    marks: str = ""
    snapshots: int = 0


def plan_of(run: TapRun) -> Plan:
    """The plan of a run that has not begun, as far as it is known; a schedule may have its own words for it."""
    if run.notes.fell_back:
        return Plan(f"{NOTHING}. " + " ".join(run.record.fallbacks), FULL * run.timeline.steps)
    schedule, steps = run.schedule, run.timeline.steps
    if schedule.plan:
        return Plan(schedule.plan, FULL * steps)
    if not run.decider.skips_any:
        return Plan(f"{NOTHING}. {why_none_is_skipped(schedule, run.timeline)}", FULL * steps)
    if isinstance(schedule, AdaptiveSchedule):
        words = (f"as many are computed as quality {run.settings.quality} takes" if keeps_to_quality(schedule)
                 else "the schedule decides as it goes which are computed")
        return Plan(f"{steps} steps; {words}{schedule.where}", snapshots=run.pool.snapshots)
    decided = [schedule.decide(step, run.timeline) for step in range(steps)]
    full = sum(decision.full for decision in decided)
    kept = sum(decision.full and decision.remember for decision in decided)
    marks = "".join(FULL if decision.full else SKIPPED for decision in decided)
    return Plan(counted(full, steps), marks, min(run.pool.snapshots, kept))


def snapshots_kept(run: TapRun) -> int:
    """How many full steps each history of a run that has not begun will keep."""
    return plan_of(run).snapshots


def counted(full: int, steps: int) -> str:
    """Such as "12 of 50 steps, 4.2x fewer calls"."""
    return f"{full} of {steps} steps, {steps / max(full, 1):.1f}x fewer calls"


def expected_cache(run: TapRun, snapshots: int) -> int:
    """Bytes that the run will keep, histories of so many snapshots computed from the first; 0 if there are none."""
    held = [(history.nbytes, len(history.snapshots)) for history in run.memory.histories.values()]
    histories = sum(nbytes // count * snapshots for nbytes, count in held if count)
    return histories + latent_bytes(run) if histories else 0


def latent_bytes(run: TapRun) -> int:
    """Bytes of the latents that the run will keep to be replayed; 0 before its first step."""
    x = run.decider.seen.x
    return run.latents.planned(run.replay) * x.nbytes if x is not None else 0
