"""EasyCache and SADA, which watch the sampler's trajectory, against plain loops along an equation with a known flow."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedule import AdaptiveSchedule, Decision, Seen
from tap_pack.tap_core.schedules.course import start
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule

from walk import even_timeline

STEPS = 50
SIGMAS = [1 - i / STEPS for i in range(STEPS + 1)]
ROTATION = np.array([[-0.5, 2.3, 0.0], [-2.3, -0.2, 0.4], [0.3, 0.0, 0.7]])


def true_velocity(x: np.ndarray, sigma: float) -> np.ndarray:
    """dx/dsigma of a driven, rotating flow; x: [1, 3]."""
    return x @ ROTATION.T + np.array([math.sin(9 * sigma), math.cos(7 * sigma), 0.5])


def sample(schedule: AdaptiveSchedule) -> tuple[list[int], np.ndarray]:
    """Euler's method under the schedule: the full steps, and where it ends."""
    course, full, x = start(schedule, even_timeline(STEPS)), [], np.array([[1.0, 2.0, -1.0]])
    for i, (sigma, following) in enumerate(pairwise(SIGMAS)):
        seen = Seen(float(i), sigma, x=torch.tensor(x))
        decision = course.before(seen)
        seen.full = decision.full
        seen.denoised = torch.tensor(x - sigma * true_velocity(x, sigma)) if decision.full else decision.denoised
        course.after(seen)
        full += [i] if decision.full else []
        x = x + (x - seen.denoised.numpy()) / sigma * (following - sigma)
    return full, x


def naive_easycache(threshold: float) -> tuple[list[int], np.ndarray]:
    x, full, total = np.array([[1.0, 2.0, -1.0]]), [], 0.0
    rate = last_x = full_x = full_v = None
    for i, (sigma, following) in enumerate(pairwise(SIGMAS)):
        compute = i < 5 or i == STEPS - 1
        if not compute:
            total += rate * np.abs(x - last_x).mean() / np.abs(full_v).mean()
            compute = total >= threshold
        if compute:
            v, total = true_velocity(x, sigma), 0.0
            if full_v is not None:
                rate = np.abs(v - full_v).mean() / np.abs(x - full_x).mean()
            full_x, full_v = x, v
            full.append(i)
        else:
            v = x + (full_v - full_x)
        last_x, x = x, x + v * (following - sigma)
    return full, x


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.6])
def test_easycache_follows_the_rate_of_the_last_two_full_steps(threshold: float) -> None:
    full, end = sample(EasyCacheSchedule(threshold=threshold))
    expected, expected_end = naive_easycache(threshold)
    assert full == expected
    assert 6 < len(full) < STEPS
    np.testing.assert_allclose(end, expected_end, rtol=1e-5)


def naive_sada() -> tuple[list[int], np.ndarray]:
    """With the linear forecast; the criterion on Euler's x, a step of -1/T."""
    x, full, path, nodes, skips = np.array([[1.0, 2.0, -1.0]]), [], [], [], 0
    for i, (sigma, following) in enumerate(pairwise(SIGMAS)):
        denoised = None
        if 10 <= i < 47 and i >= 20:
            if i % 4 != 1 and nodes and skips < 4:
                weights = [math.prod((i - b) / (a - b) for b, _ in nodes if b != a) for a, _ in nodes]
                denoised = sum(w * x0 for w, (_, x0) in zip(weights, nodes, strict=True))
        elif 10 <= i < 47 and skips < 4:
            (before, y0), (_, y1), (_, y2) = path[:3]
            predicted = before - (5 / 6 * y0 + 5 / 6 * y1 - 2 / 3 * y2) / STEPS
            if ((x - predicted) * ((y0 - y1) - (y1 - y2))).mean() <= 0:
                denoised = x - sigma * (2 * y0 - y1)
        if denoised is None:
            denoised, skips = x - sigma * true_velocity(x, sigma), 0
            full.append(i)
            if i % 4 == 1:
                nodes = [(i, denoised), *nodes][:3]
        else:
            skips += 1
        y = (x - denoised) / sigma
        path = [(x, y), *path]
        x = x + y * (following - sigma)
    return full, x


def test_sada_skips_stable_steps_and_interpolates_the_second_half() -> None:
    full, end = sample(StabilitySchedule(last_full=False))
    expected, expected_end = naive_sada()
    assert full == expected
    assert full[:10] == list(range(10))
    assert full[-3:] == [47, 48, 49]
    assert [step for step in full if 24 <= step < 47] == [25, 29, 33, 37, 41, 45]
    np.testing.assert_allclose(end, expected_end, rtol=1e-9)


Path = list[tuple[np.ndarray, np.ndarray]]


def kinds_of(schedule: StabilitySchedule, look: Callable[[Seen, Decision, Path], None] | None = None) -> str:
    """Of each step f(ull), s(kipped) or p(art). look: at each step that is not full, with (x, y), newest first."""
    course = start(schedule, even_timeline(STEPS))
    x, path, kinds = np.array([[1.0, 2.0, -1.0]]), [], ""
    for i, (sigma, following) in enumerate(pairwise(SIGMAS)):
        seen = Seen(float(i), sigma, x=torch.tensor(x))
        decision = course.before(seen)
        seen.full = decision.full
        kinds += "f" if decision.full else "s" if decision.unstable is None else "p"
        if look and not decision.full:
            look(seen, decision, path)
        denoised = x - sigma * true_velocity(x, sigma) if decision.denoised is None else decision.denoised.numpy()
        seen.denoised = torch.tensor(denoised)
        course.after(seen)
        y = (x - denoised) / sigma
        path, x = [(x, y), *path], x + y * (following - sigma)
    return kinds


def test_sada_token_wise_computes_in_part_where_the_criterion_is_above_0() -> None:
    """At unstable steps the criterion of each value is given; at most four steps in a row are not computed in full."""

    def look(seen: Seen, decision: Decision, path: Path) -> None:
        (before, y0), (_, y1), (_, y2) = path[:3]
        off = seen.x.numpy() - (before - (5 / 6 * y0 + 5 / 6 * y1 - 2 / 3 * y2) / STEPS)
        criterion = off * (y0 - 2 * y1 + y2)
        assert (criterion.mean() > 0) == (decision.unstable is not None)
        if decision.unstable is not None:
            np.testing.assert_allclose(decision.unstable.numpy(), criterion, atol=1e-12)
            assert decision.denoised is None and decision.reason == "path not stable"

    kinds = kinds_of(StabilitySchedule(token_wise=True, multistep_from=1.0), look)
    assert kinds.count("p") > 3 and kinds.count("s") > 3
    assert kinds.startswith("f" * 10) and kinds.endswith("fff")
    assert max(map(len, kinds.split("f"))) == 4


def test_by_default_sada_asks_its_criterion_from_20_to_40_percent_alone() -> None:
    """As the help says: steps in part can only be there."""
    steps = range(STEPS)
    for token_wise in (False, True):
        kinds = kinds_of(StabilitySchedule(token_wise=token_wise))
        parts = [step for step in steps if kinds[step] == "p"]
        assert bool(parts) == token_wise and all(0.2 * STEPS <= step < 0.4 * STEPS for step in parts)
    later = kinds_of(StabilitySchedule(token_wise=True, multistep_from=1.0))
    assert "p" in later[int(0.4 * STEPS):]


@pytest.mark.parametrize("forecast", ["linear", "step-wise"])
def test_sada_stays_close_to_the_full_run(forecast: str) -> None:
    x = np.array([[1.0, 2.0, -1.0]])
    for sigma, following in pairwise(SIGMAS):
        x = x + true_velocity(x, sigma) * (following - sigma)
    full, end = sample(StabilitySchedule(forecast=forecast))
    assert len(full) < 35
    assert np.abs(end - x).max() < 0.05 * np.abs(x).max()


def test_sadas_multistep_stage_has_one_node_a_step_where_steps_are_evaluated_twice() -> None:
    course, forecast = start(StabilitySchedule(), even_timeline(20)), []
    for position in (step / 2 for step in range(40)):
        seen = Seen(position, 1 - position / 20, x=torch.zeros(1, 3))
        decision = course.before(seen)
        seen.full = decision.full
        # Half a step on, the answer is a little higher: a line through both answers of a step would go far off.
        seen.denoised = torch.full((1, 3), position + 0.01 * (position % 1 > 0)) if decision.full else decision.denoised
        if not decision.full and position >= 8:
            forecast.append(float(seen.denoised.mean()) - position)
        course.after(seen)
    assert len(forecast) > 10 and max(map(abs, forecast)) < 0.03


def test_max_skip_and_endless_thresholds() -> None:
    assert sample(EasyCacheSchedule(threshold=0.0))[0] == list(range(STEPS))
    assert sample(EasyCacheSchedule(threshold=math.inf))[0] == [0, 1, 2, 3, 4, 49]
    full = sample(EasyCacheSchedule(threshold=math.inf, max_skip=3))[0]
    assert full[4:8] == [4, 8, 12, 16]


def test_an_evaluation_repeated_at_one_moment_keeps_the_rate() -> None:
    course, x = start(EasyCacheSchedule(warmup=2), even_timeline(STEPS)), torch.ones(1, 3)
    for position, moved in ((0, 0.0), (1, 0.1), (1, 0.1), (2, 0.1)):
        seen = Seen(float(position), SIGMAS[position], x=x - moved, denoised=0.5 * x - moved**2, full=True)
        decision = course.before(seen)
        course.after(seen)
    assert not decision.full


@pytest.mark.parametrize("make", [
    lambda: EasyCacheSchedule(threshold=math.nan), lambda: EasyCacheSchedule(forecast="best"),
    lambda: StabilitySchedule(forecast="best"), lambda: StabilitySchedule(start_share=math.nan),
    lambda: StabilitySchedule(multistep_interval=0), lambda: StabilitySchedule(max_skip=-1),
])
def test_bad_settings_are_refused(make: object) -> None:
    with pytest.raises(TapError):
        make()
