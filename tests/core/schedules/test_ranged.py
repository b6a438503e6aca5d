"""Ranges: which steps lie in one, that steps outside are computed and say so, and two ranges after each other."""

import math

import pytest
from tap_pack.tap_core.calibrate.budget import Budget
from tap_pack.tap_core.calibrate.calibrated import CalibratedSchedule
from tap_pack.tap_core.calibrate.text import Calibration, CalibrationLine
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.locality import schedule_is_local, why_not_shared
from tap_pack.tap_core.sampling.settings import TapSettings, keeps_to_quality
from tap_pack.tap_core.schedule import SKIP, AnySchedule, Seen
from tap_pack.tap_core.schedules.adaptive import AdaptiveCourse, AdaptiveSettings
from tap_pack.tap_core.schedules.course import start
from tap_pack.tap_core.schedules.growing import GrowingSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.ranged import OUTSIDE, Range, ranged
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from tap_pack.tap_core.timeline import Timeline

from walk import even_timeline, walk

STEPS = 20
FIRST_ONLY = ListedSchedule((0,))
LINE = CalibrationLine((0, 7, 14, 19), 40.0)
CALIBRATED = CalibratedSchedule(Calibration("Flux", "", even_timeline(STEPS).sigmas, (LINE,)), Budget(4))


class Watching(AdaptiveSettings):
    """Watches a run and forecasts all that it may."""

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        course = AdaptiveCourse(self, timeline)
        course.needs, course.choose = frozenset({"probe"}), lambda seen: SKIP
        return course


WATCHING = Watching(last_full=False)
TEACACHE = TeaCacheSchedule()


def shifted(steps: int, shift: float) -> Timeline:
    """A flow model's run: its sigma at a share of the noise levels is that of the shift."""
    def sigma(share: float) -> float:
        return shift * (1 - share) / (1 + (shift - 1) * (1 - share))
    return Timeline(tuple(sigma(i / steps) for i in range(steps + 1)), sigma_of_share=sigma)


def held(within: Range, timeline: Timeline) -> list[int]:
    return [step for step in range(timeline.steps) if within.holds(step, timeline)]


@pytest.mark.parametrize(("ends", "first", "last"), [
    ((0.0, 1.0), 0, 19), ((0.2, 0.8), 4, 15), ((0.0, 0.4), 0, 7), ((0.6, 1.0), 12, 19), ((0.21, 0.79), 5, 15),
])
@pytest.mark.parametrize("timeline", [even_timeline(STEPS), shifted(STEPS, 3.0)], ids=["unknown", "flow"])
def test_a_range_begins_with_its_start_and_ends_before_its_end(
    ends: tuple[float, float], first: int, last: int, timeline: Timeline
) -> None:
    assert held(Range(*ends), timeline) == list(range(first, last + 1))


def test_percent_is_the_models_noise_level_and_not_the_share_of_the_steps() -> None:
    whole = shifted(100, 3.0)
    late = Timeline(whole.sigmas[50:], sigma_of_share=whole.sigma_of_share)  # the second sampler of two
    assert held(Range(0.6, 0.8), late) == list(range(10, 30))
    assert held(Range(0.0, 0.5), late) == []
    assert held(Range(0.0, 0.51), late) == [0]


def test_rounded_sigmas_are_the_same_steps() -> None:
    exact = shifted(STEPS, 3.0)
    for rounding in (1 - 1e-6, 1 + 1e-6):
        rounded = Timeline(tuple(s * rounding for s in exact.sigmas), sigma_of_share=exact.sigma_of_share)
        assert held(Range(0.25, 0.75), rounded) == held(Range(0.25, 0.75), exact) == list(range(5, 15))


@pytest.mark.parametrize("ends", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_an_empty_range_holds_no_step(ends: tuple[float, float]) -> None:
    assert held(Range(*ends), shifted(STEPS, 3.0)) == held(Range(*ends), even_timeline(STEPS)) == []


@pytest.mark.parametrize(("ends", "said"), [
    ((0.6, 0.4), "start_percent is 0.6, above end_percent 0.4"), ((-0.1, 1.0), "start_percent is -0.1; set it from 0"),
    ((0.0, 1.5), "end_percent is 1.5"), ((math.nan, 1.0), "start_percent is nan"),
])
def test_an_impossible_range_is_refused_in_words(ends: tuple[float, float], said: str) -> None:
    with pytest.raises(TapError, match=said):
        TapSettings(start_percent=ends[0], end_percent=ends[1])


@pytest.mark.parametrize("outside", [FIRST_ONLY, WATCHING], ids=["known", "watching"])
def test_what_a_warm_up_computed_last_is_remembered_where_it_is_cut_short(outside: AnySchedule) -> None:
    """By itself it would remember its last two steps, 8 and 9, alone; at step 5 its range ends."""
    timeline = even_timeline(STEPS)
    course = start(ranged(IntervalSchedule(4, warmup=10), Range(0.0, 0.25), outside), timeline)
    kept = [course.before(Seen(float(step), timeline.sigmas[step])).remember for step in range(5)]
    assert kept == [False, False, False, True, True]


def test_where_a_warm_up_ends_in_its_range_it_remembers_as_ever() -> None:
    timeline, alone = even_timeline(STEPS), IntervalSchedule(4, warmup=4)
    inside = ranged(alone, Range(0.0, 0.5), FIRST_ONLY)
    assert [inside.decide(step, timeline) for step in range(8)] == [alone.decide(step, timeline) for step in range(8)]


def test_the_whole_run_is_no_range() -> None:
    assert ranged(WATCHING, Range()) is WATCHING
    assert TapSettings().schedule() == TapSettings(start_percent=0.0, end_percent=1.0).schedule()


@pytest.mark.parametrize(("schedule", "inside"), [
    (FIRST_ONLY, []), (IntervalSchedule(5, 3), [7, 12]), (GrowingSchedule(), [6, 8, 11]), (CALIBRATED, [7, 14]),
    (WATCHING, []), (Watching(max_skip=4), [9, 14]),
], ids=lambda one: type(one).__name__)
def test_outside_every_step_is_computed_and_inside_the_schedule_decides(
    schedule: AnySchedule, inside: list[int]
) -> None:
    assert walk(ranged(schedule, Range(0.25, 0.75)), STEPS) == sorted({*range(5), *inside, *range(15, 20)})


@pytest.mark.parametrize("schedule", [FIRST_ONLY, WATCHING])
def test_a_step_outside_says_so(schedule: AnySchedule) -> None:
    course = start(ranged(schedule, Range(0.25, 0.75)), even_timeline(STEPS))
    reasons = [course.before(Seen(float(step), 1 - step / STEPS)).reason for step in range(STEPS)]
    assert {step for step in range(STEPS) if reasons[step] == "outside the range"} == {*range(5), *range(15, 20)}
    assert course.before(Seen(4.5, 0.775)) is OUTSIDE  # a second evaluation goes with its step


@pytest.mark.parametrize("one", [FIRST_ONLY, WATCHING])
@pytest.mark.parametrize("other", [FIRST_ONLY, WATCHING])
def test_two_schedules_make_two_ranges(one: AnySchedule, other: AnySchedule) -> None:
    both = ranged(one, Range(0.6, 1.0), ranged(other, Range(0.0, 0.4)))
    assert walk(both, STEPS) == [0, *range(8, 12)]
    assert "from 60 to 100 % of the run, else" in str(both) and "from 0 to 40 % of the run" in str(both)


def test_a_range_in_a_range_is_what_they_have_in_common() -> None:
    settings = TapSettings(given_schedule=ranged(FIRST_ONLY, Range(0.2, 0.6)), start_percent=0.4)
    assert walk(settings.schedule(), STEPS) == [*range(8), *range(12, 20)]


def test_a_range_knows_before_the_run_what_can_be_skipped() -> None:
    timeline = even_timeline(STEPS)
    assert start(ranged(FIRST_ONLY, Range(0.2, 0.6)), timeline).planned == [not 4 <= i < 12 for i in range(STEPS)]
    for schedule in (FIRST_ONLY, WATCHING):
        assert start(ranged(schedule, Range(0.2, 0.6)), timeline).skips_any
        empty = ranged(schedule, Range(0.5, 0.5))
        assert not start(empty, timeline).skips_any
        assert "from 50 to 50 % of the run; set start_percent lower" in empty.why_none(timeline)
        assert start(ranged(schedule, Range(0.5, 0.5), FIRST_ONLY), timeline).skips_any
    assert "interval 1" in ranged(IntervalSchedule(1), Range(0.2, 0.6)).why_none(timeline)


def test_both_courses_see_the_whole_run() -> None:
    course = start(ranged(WATCHING, Range(0.5, 1.0), ranged(TEACACHE, Range(0.0, 0.3))), even_timeline(4))
    assert course.needs == {"probe"}
    for step in range(3):
        course.after(Seen(float(step), 1.0, full=step == 0))
    assert [inner.skipped for inner in (course._inner, course._courses[1]._inner)] == [2, 2]


def test_a_quality_keeps_its_ways_in_a_range() -> None:
    schedule = TapSettings(quality="draft", start_percent=0.2).schedule()
    assert keeps_to_quality(schedule) and not keeps_to_quality(FIRST_ONLY)
    course = start(schedule, even_timeline(STEPS))
    course.foresee(0.0)
    full = []
    for step in range(STEPS):
        seen = Seen(float(step), 1 - step / STEPS)
        seen.full = seen.whole = course.before(seen).full
        full += [step] if seen.full else []
        course.after(seen)
    assert full[:4] == [0, 1, 2, 3] and full[-1] == STEPS - 1 and len(full) < STEPS
    assert course.said == ""


def test_processes_can_share_a_range_of_what_they_can_share() -> None:
    pool, selector = TapSettings().pool(), TapSettings().selector()
    within = Range(0.2, 0.6)
    assert schedule_is_local(ranged(FIRST_ONLY, within)) and not schedule_is_local(ranged(TEACACHE, within))
    assert "The schedule TeaCache looks" in why_not_shared(ranged(FIRST_ONLY, within, TEACACHE), pool, selector)
    assert not keeps_to_quality(TapSettings(quality="close", start_percent=0.2).fixed_schedule())


def test_a_note_of_a_schedule_is_told_with_its_range() -> None:
    assert any("calibrated on Flux and used on WAN21" in note
               for note in ranged(CALIBRATED, Range(0.2, 0.6)).notes(even_timeline(STEPS), "WAN21"))
