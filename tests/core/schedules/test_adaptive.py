"""Schedules that watch a run, each against its rule written as a plain loop, and all of them at their limits."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedule import Seen
from tap_pack.tap_core.schedules.adaptive import AdaptiveSettings
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.course import held_bytes, start
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.model_tables import POLYNOMIALS
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule, verification_error
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import Tensor

from walk import Show, even_timeline, walk

STEPS = 50


def trajectory(seed: int = 0, jitter: float = 0.02) -> list[np.ndarray]:
    """A smooth path of [1, 6, 8] with bends and some noise."""
    random = np.random.default_rng(seed)
    start, slope, phase = (random.standard_normal((1, 6, 8)) for _ in range(3))
    return [start + slope * i / STEPS + 0.3 * np.sin(6 * (i / STEPS) ** 2 + phase)
            + jitter * random.standard_normal((1, 6, 8)) for i in range(STEPS)]


def tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def shows(**paths: list[np.ndarray]) -> Show:
    return lambda step: {name: tensor(path[step]) for name, path in paths.items()}


def relative(now: np.ndarray, before: np.ndarray) -> float:
    return float(np.abs(now - before).mean() / np.abs(before).mean())


@pytest.mark.parametrize("threshold", [0.25, 0.4, 0.8, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_teacache_adds_up_the_rescaled_change_of_the_probe(threshold: float, seed: int) -> None:
    path, rescale = trajectory(seed, jitter=0.05), np.poly1d(POLYNOMIALS["FLUX"])
    expected, total = [], 0.0
    for i in range(STEPS):
        if i in (0, STEPS - 1):
            expected, total = [*expected, i], 0.0
            continue
        total += rescale(relative(path[i], path[i - 1]))
        if total >= threshold:
            expected, total = [*expected, i], 0.0
    assert walk(TeaCacheSchedule(threshold=threshold), STEPS, shows(probe=path)) == expected
    assert 2 <= len(expected) < STEPS


@pytest.mark.parametrize("difference", [False, True])
def test_dicache_adds_up_the_change_of_the_first_blocks_output(difference: bool) -> None:
    block, stream = trajectory(2), trajectory(3)
    threshold = 0.3 if not difference else 0.08
    expected, total = [], 0.0
    for i in range(STEPS):
        if i <= 0.2 * STEPS or i == STEPS - 1:
            expected.append(i)
            total = 0.0
            continue
        change = relative(block[i], block[i - 1])
        total += abs(change - relative(stream[i], stream[i - 1])) if difference else change
        if total >= threshold:
            expected, total = [*expected, i], 0.0
    schedule = DiCacheSchedule(threshold=threshold, difference=difference)
    assert walk(schedule, STEPS, shows(block=block, stream=stream)) == expected
    assert 11 < len(expected) < STEPS


@pytest.mark.parametrize("order", [0, 1, 2])
def test_cg_taylor_compares_the_first_block_with_its_own_forecast(order: int) -> None:
    path, threshold = trajectory(4, jitter=0.0), 0.03
    expected, kept = [], []
    for i in range(STEPS):
        full = i < 5 or i == STEPS - 1
        if not full:
            # TaylorSeer's ladder: every difference is divided by its own gap, all evaluated at the newest step.
            ladder, forecast = [block for _, block in kept], 0.0
            steps = [step for step, _ in kept]
            for power in range(len(kept)):
                forecast = forecast + ladder[0] * (i - steps[0]) ** power / math.factorial(power)
                ladder = [(new - old) / (steps[j] - steps[j + 1])
                          for j, (new, old) in enumerate(pairwise(ladder))]
            full = np.abs(forecast - path[i]).mean() / np.abs(path[i]).mean() >= threshold
        if full:
            kept = [(i, path[i]), *kept][: order + 1]
            expected.append(i)
    assert walk(ConfidenceGateSchedule(threshold=threshold, order=order), STEPS, shows(block=path)) == expected
    assert 6 < len(expected) < STEPS


@pytest.mark.parametrize("threshold", [0.7, 1.0, 1.3])
def test_tc_pade_computes_where_the_last_three_targets_bend(threshold: float) -> None:
    path = trajectory(5, jitter=0.01)
    expected = []
    for i in range(STEPS):
        if i % 4 == 0 or i < 3:
            expected.append(i)
            continue
        last, one_before = path[i - 1] - path[i - 2], path[i - 2] - path[i - 3]
        cosine = (last * one_before).sum() / (np.linalg.norm(last) * np.linalg.norm(one_before))
        if 1 + cosine < threshold:
            expected.append(i)
    assert walk(TrajectoryStabilitySchedule(threshold=threshold), STEPS, shows(target=path)) == expected
    assert 13 < len(expected) < STEPS


def test_tc_pade_to_the_letter_can_never_reach_a_threshold_above_one() -> None:
    everything = walk(TrajectoryStabilitySchedule(threshold=1.3, printed=True), STEPS, shows(target=trajectory(5)))
    assert everything == list(range(STEPS))


def test_speca_lets_the_error_of_one_step_decide_the_next() -> None:
    path, threshold = trajectory(6, jitter=0.1), 1.5
    expected, drafts, error, kept = [], 0, 0.0, []
    for i in range(STEPS):
        limit = max(threshold * 0.3 ** (i / STEPS), 0.1)
        full = i < 3 or drafts >= 8 or (drafts >= 2 and error > limit)
        drafts = 0 if full else drafts + 1
        if full:
            expected.append(i)
            kept = [(i, path[i]), *kept][:2]
        else:
            (s0, f0), (s1, f1) = kept
            error = np.mean(np.abs(f0 + (f0 - f1) / (s0 - s1) * (i - s0) - path[i]) / np.abs(path[i]))
    schedule = SpeculativeSchedule(threshold=threshold, order=1)
    full = walk(schedule, STEPS, shows(last_input=path, last_output=path))
    assert full == expected
    assert 3 + (STEPS - 3) // 9 < len(full) < 3 + (STEPS - 3) // 3


def test_speca_does_not_trust_what_it_could_not_verify() -> None:
    assert walk(SpeculativeSchedule(), 12) == [0, 1, 2, 5, 8, 11]


def test_the_verification_error_is_the_mean_relative_distance() -> None:
    forecast, computed = torch.tensor([1.0, 2.0, -3.0]), torch.tensor([2.0, 2.0, -1.0])
    assert float(verification_error(forecast, computed)) == pytest.approx((0.5 + 0 + 2) / 3)


def losses(step: int) -> dict[str, Tensor]:
    """Grow with the distance from the paper's full steps of N = 5, the same in every window."""
    return {"loss": torch.full((1, 4), 1e-4 * (1 + (step - 2) % 5) ** 2)}


def test_the_fallback_is_the_papers_schedule_while_losses_are_as_usual() -> None:
    assert walk(FallbackSchedule(), STEPS, losses) == walk(IntervalSchedule(5, 3), STEPS)


def test_the_fallback_computes_a_step_that_is_far_off_and_counts_anew_from_there() -> None:
    def show(step: int) -> dict[str, Tensor]:
        return {"loss": torch.full((1, 4), 2e-3 if step == 14 else 1e-4)}

    assert walk(FallbackSchedule(), 30, show) == [0, 1, 2, 7, 12, 14, 19, 24, 29]


def test_the_fallback_gets_used_to_losses_that_stay_high() -> None:
    def show(step: int) -> dict[str, Tensor]:
        return {"loss": torch.full((1, 4), 1e-4 if step < 14 else 8e-4)}

    # Each distance from the full step has to learn it once.
    assert walk(FallbackSchedule(), 40, show) == [0, 1, 2, 7, 12, 14, 15, 18, 22, 27, 32, 37]


ALL_SHOWN = shows(probe=trajectory(7), block=trajectory(8), stream=trajectory(9), target=trajectory(10),
                  last_input=trajectory(11), last_output=trajectory(12))


def shown(step: int) -> dict[str, Tensor]:
    return ALL_SHOWN(step) | losses(step)


THRESHOLDS_OF = {
    TeaCacheSchedule: "threshold", DiCacheSchedule: "threshold", ConfidenceGateSchedule: "threshold",
    SpeculativeSchedule: "threshold", FallbackSchedule: "factor",
}


@pytest.mark.parametrize(("kind", "name"), THRESHOLDS_OF.items())
def test_at_threshold_zero_every_step_is_computed(kind: type[AdaptiveSettings], name: str) -> None:
    extra = {"coefficients": (1.0, 0.0)} if kind is TeaCacheSchedule else {}
    assert walk(kind(**{name: 0.0}, **extra), STEPS, shown) == list(range(STEPS))


@pytest.mark.parametrize(("kind", "forced"), [
    (TeaCacheSchedule, [0, 49]), (DiCacheSchedule, [*range(11), 49]), (ConfidenceGateSchedule, [*range(5), 49]),
    (SpeculativeSchedule, [0, 1, 2]), (FallbackSchedule, [0, 1, *range(2, 50, 5)]),
])
def test_at_an_infinite_threshold_only_forced_steps_are_full(kind: type[AdaptiveSettings], forced: list[int]) -> None:
    extra = {"max_skip": 0} if kind is SpeculativeSchedule else {}
    assert walk(kind(**{THRESHOLDS_OF[kind]: math.inf}, **extra), STEPS, shown) == forced


def test_tc_pade_at_its_limits() -> None:
    assert walk(TrajectoryStabilitySchedule(threshold=2.5), STEPS, shown) == list(range(STEPS))
    assert walk(TrajectoryStabilitySchedule(threshold=0.0), STEPS, shown) == [0, 1, 2, *range(4, 50, 4)]


@pytest.mark.parametrize("kind", [TeaCacheSchedule, DiCacheSchedule, ConfidenceGateSchedule, SpeculativeSchedule])
def test_max_skip_ends_every_chain(kind: type[AdaptiveSettings]) -> None:
    full = walk(kind(threshold=math.inf, max_skip=4), STEPS, shown)
    assert max(later - earlier for earlier, later in pairwise(full)) == 5


@pytest.mark.parametrize(("kind", "name"), [*THRESHOLDS_OF.items(), (TrajectoryStabilitySchedule, "threshold")])
@pytest.mark.parametrize("value", [math.nan, -0.5])
def test_a_threshold_that_makes_no_sense_is_refused(kind: type[AdaptiveSettings], name: str, value: float) -> None:
    with pytest.raises(TapError, match=name):
        kind(**{name: value})


@pytest.mark.parametrize("kind", THRESHOLDS_OF)
@pytest.mark.parametrize("name", ["warmup", "max_skip"])
def test_negative_counts_are_refused(kind: type[AdaptiveSettings], name: str) -> None:
    with pytest.raises(TapError, match=name):
        kind(**{name: -1})


@pytest.mark.parametrize("kind", [TeaCacheSchedule, DiCacheSchedule, ConfidenceGateSchedule])
def test_what_is_not_a_number_or_has_another_shape_is_computed(kind: type[AdaptiveSettings]) -> None:
    def show(step: int) -> dict[str, Tensor]:
        broken = torch.ones(1, 5 if step == 30 else 6, 8) * (math.nan if step == 20 else 1)
        return {"probe": broken, "block": broken, "stream": broken}

    extra = {"coefficients": (1.0, 0.0)} if kind is TeaCacheSchedule else {}
    full = walk(kind(**extra), STEPS, show)
    assert {20, 21, 30, 31} <= set(full)
    assert 15 not in full
    assert 40 not in full


def test_what_a_course_keeps_is_counted() -> None:
    timeline, shown = even_timeline(STEPS), torch.ones(1, 6, 8)
    cautious, plain = start(ConfidenceGateSchedule(order=1), timeline), start(IntervalSchedule(5, 3), timeline)
    for step in range(3):
        for course in (cautious, plain):
            seen = Seen(float(step), timeline.sigmas[step], full=True, block=shown * step)
            course.before(seen)
            course.after(seen)
    assert held_bytes(cautious) == 2 * shown.nbytes
    assert held_bytes(plain) == 0


@pytest.mark.parametrize("interval", [2, 5])
def test_the_fallback_counts_steps_where_a_sampler_evaluates_each_twice(interval: int) -> None:
    timeline, full = even_timeline(20), []
    course = start(FallbackSchedule(factor=math.inf, interval=interval), timeline)
    for position in (step + half for step in range(20) for half in (0.0, 0.5)):
        seen = Seen(position, timeline.sigma_at(position), loss=torch.ones(1, 4))
        decision = course.before(seen)
        seen.full = (course.in_call(seen) if decision.asks else decision).full
        course.after(seen)
        full += [position] if seen.full else []
    paper = IntervalSchedule(interval, 3)
    assert full == [step + half for step in range(20) if paper.decide(step, timeline).full for half in (0.0, 0.5)]
