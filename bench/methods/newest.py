"""The newest methods: SADA token by token, L2P's learned weights, BudCache's moved sigmas.

L2P and BudCache learn for the full steps that are wanted, from runs of pictures that are not scored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial

from tap_pack.tap_core.calibrate.learned_rows import learned_weights
from tap_pack.tap_core.calibrate.moved_sigmas import ALL, SKIPPED, moved_sigmas
from tap_pack.tap_core.calibrate.trace import Trace
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.interval import full_steps
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.placed import change_schedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.timeline import Timeline

from methods.contenders import ONE_IN_N, OWN, PAPER, REUSE, Contender, Dial, placed
from methods.few_table import DEFAULTS
from models.stage import Course, Stage

# None of these is scored.
LEARNING_SHOTS = (903, 904)
# SADA's criterion, and with it the steps in part, is used up to this share of the run; the first is the paper's.
CRITERION_UNTIL = (0.4, 0.6)


class OtherPictures:
    """Measured runs of pictures that are not scored, on one course."""

    def __init__(self, stage: Stage, course: Course) -> None:
        self._stage, self.course = stage, course

    @cached_property
    def whole(self) -> list[Trace]:
        """With every step computed."""
        return [self._stage.trace(shot, self.course) for shot in LEARNING_SHOTS]

    def skipping(self, schedule: ListedSchedule, pool: PoolSettings) -> list[Trace]:
        """With these full steps, forecast from a pool."""
        return [self._stage.trace(shot, self.course, schedule=schedule, pool=pool) for shot in LEARNING_SHOTS]

    def listed(self, settings: TapSettings) -> ListedSchedule:
        """The full steps of settings, which stay where they are when sigmas move."""
        return ListedSchedule(tuple(full_steps(settings.schedule(), Timeline(self._stage.sigmas(self.course)))))


Fit = Callable[[OtherPictures, TapSettings], tuple[TapSettings, Course]]


def with_learned_weights(pictures: OtherPictures, settings: TapSettings) -> tuple[TapSettings, Course]:
    """L2P (arXiv 2604.26365), in closed loop: learned on full runs, then on what a run sees that skips with these."""
    schedule, pool = pictures.listed(settings), settings.given_pool or PoolSettings()
    opened = replace(pool, learned=learned_weights(pictures.whole, schedule.steps))
    seen = [*pictures.whole, *pictures.skipping(schedule, opened)]
    closed = replace(pool, learned=learned_weights(seen, schedule.steps))
    return replace(settings, given_schedule=schedule, given_pool=closed), pictures.course


def with_moved_sigmas(which: str, pictures: OtherPictures, settings: TapSettings) -> tuple[TapSettings, Course]:
    """BudCache's second stage (arXiv 2606.13496): the same full steps, sigmas of "all" or "skipped" steps moved."""
    schedule = pictures.listed(settings)
    moved = moved_sigmas(pictures.whole, schedule.steps, which)
    return replace(settings, given_schedule=schedule), replace(pictures.course, moved=moved)


def in_part(criterion_until: float) -> Dial:
    """SADA from step 3 on with steps in part, the interval of its multistep stage on the dial.

    The criterion is used for longer than in the row of SADA, or no step would be computed in part.
    """
    says = "" if criterion_until == CRITERION_UNTIL[0] else f"criterion up to {criterion_until:.0%} of the run"
    return Dial(lambda value: StabilitySchedule(start_share=0.06, stop_share=1.0, multistep_from=criterion_until,
                                                multistep_interval=int(value), max_skip=0, token_wise=True),
                range(2, 17), says=says)


def token_wise_contender() -> Contender:
    """SADA whose steps that are not stable are computed in part."""
    return Contender("SADA, token-wise", REUSE, [in_part(until) for until in CRITERION_UNTIL])


def fitted_contenders() -> list[Contender]:
    """What is learned for the full steps of one step in N, or of TAP Accelerate's defaults."""
    at_its_places = partial(Contender, pool=PAPER, dials=placed(change_schedule), more=OWN)
    return [
        # L2P's weights are over the model's output, which under Euler is the slope.
        Contender("L2P, closed loop", REUSE, ONE_IN_N, more={"target": "auto"}, fit=with_learned_weights),
        at_its_places(f"{DEFAULTS}, L2P's weights", fit=with_learned_weights),
        at_its_places(f"{DEFAULTS}, sigmas moved", fit=partial(with_moved_sigmas, ALL)),
        at_its_places(f"{DEFAULTS}, skipped sigmas moved", fit=partial(with_moved_sigmas, SKIPPED)),
    ]
