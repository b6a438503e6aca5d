"""A calibration expects what a run with its full steps then tells of itself."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.calibrate.expected import expected_closeness
from tap_pack.tap_core.calibrate.fitted_numbers import Changes
from tap_pack.tap_core.calibrate.gap_errors import GapErrors
from tap_pack.tap_core.calibrate.rows import Rows
from tap_pack.tap_core.calibrate.trace import ConditionTrace, Trace
from tap_pack.tap_core.closeness import (
    GUIDED,
    LEAST,
    MOST,
    MOST_RENEWED,
    NOISY,
    OPEN_END,
    PER_DOUBLING,
    SHORT,
    TWICE,
    USUAL,
    Line,
)
from tap_pack.tap_core.predictors.pool import Pool
from tap_pack.tap_core.sampling.drifts import NOT_REPAID, ONE_STEP, REPAID, UNDER_NOISE, Drifts
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.timeline import Timeline

STEPS, TOKENS, WIDTH = 24, 10, 6
# Some are next to each other, before a long gap.
FULL = (0, 2, 6, 7, 8, 15, 17, 23)
SIGMAS = tuple((1 - step / STEPS) ** 1.3 for step in range(STEPS + 1))
REUSE: Pool = PoolSettings(orders="0", horizon_from=0).pool()


def made_trace(shares: tuple[float, ...] = (1.0,), mixed: bool = True, target: str = "auto") -> Trace:
    """Slopes that turn slowly, along a path from x; the picture is where each of them leads."""
    random, x, conditions = torch.Generator().manual_seed(4), 0.0, []
    slopes = []
    for _ in shares:
        speed, phase = 2 * torch.rand(2, TOKENS, WIDTH, generator=random)
        slopes.append(torch.sin(speed * torch.linspace(0, 3, STEPS)[:, None, None] + phase) + phase)
    guided = sum(share * slope for share, slope in zip(shares, slopes, strict=True))
    moves = torch.tensor([after - sigma for sigma, after in pairwise(SIGMAS)])[:, None, None] * guided
    x = 1.0 + moves.cumsum(dim=0) - moves
    levels = torch.tensor(SIGMAS[:-1])[:, None, None]
    for share, slope in zip(shares, slopes, strict=True):
        picture = x - levels * slope
        values = picture if target == "denoised" else torch.cat([picture, slope], dim=-1)
        conditions.append(ConditionTrace(share, slope, values, Changes(), ()))
    last = (x - levels * guided)[-1]
    return Trace("Flux", target, SIGMAS, tuple(conditions), mixed=mixed, picture=float(last.square().mean()),
                 line=Line(guidance=max(shares), steps=STEPS))


def drift_of_a_run(trace: Trace, counts: float) -> float:
    """What a run that repeats what its latest full step gave measures."""
    halves = [condition.target.chunk(2, dim=-1) if trace.target == "auto" else (condition.target, None)
              for condition in trace.conditions]
    shares = [condition.share for condition in trace.conditions]
    pictures = sum(share * picture for share, (picture, _) in zip(shares, halves, strict=True))
    slopes = sum(share * condition.probe for share, condition in zip(shares, trace.conditions, strict=True))
    drifts, latest = Drifts(trace.mixed), 0
    for step, sigma in enumerate(SIGMAS[:-1]):
        x, latest = pictures[step] + sigma * slopes[step], step if step in FULL else latest
        denoised = pictures[latest] if trace.target == "denoised" else x - sigma * slopes[latest]
        drifts.add(x[None], denoised[None], sigma, step in FULL, counts)
    return float(drifts.both[0])


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("repaid", [True, False])
@pytest.mark.parametrize("shares", [(1.0,), (3.0, -2.0)])
def test_it_is_the_drift_that_a_run_measures(shares: tuple[float, ...], repaid: bool, mixed: bool) -> None:
    trace = made_trace(shares, mixed)
    errors = GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine", repaid)
    wanted = drift_of_a_run(trace, REPAID if repaid else NOT_REPAID)
    assert errors.drifts([FULL])[0] == pytest.approx(wanted, rel=0.1)  # the steps of a gap differ, and are weighed here


def test_of_forecast_pictures_it_is_about_what_a_run_measures() -> None:
    """Their slopes are not known, and the forecasts' own errors stand for what an interpolation shows of them."""
    trace = made_trace(target="denoised")
    errors = GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine")
    assert 0.5 < errors.drifts([FULL])[0] / drift_of_a_run(trace, REPAID) < 2


@pytest.mark.parametrize(("noisy", "repaid", "counts"), [
    (False, True, REPAID), (False, False, NOT_REPAID), (True, True, UNDER_NOISE), (True, False, NOT_REPAID)])
def test_drifts_count_as_in_a_run(noisy: bool, repaid: bool, counts: float) -> None:
    trace = replace(made_trace(target="denoised"), noisy=noisy)
    once, counted = (GapErrors(each, Rows(REUSE, Timeline(SIGMAS)), "cosine", repays).drifts([FULL])[0]
                     for each, repays in ((replace(trace, noisy=False), True), (trace, repaid)))
    assert counted == pytest.approx(once * counts**2)


def test_where_the_first_step_is_evaluated_twice_the_first_gap_is_no_other() -> None:
    once, twice = (errors_of(replace(made_trace(), starts_twice=each)).drifts([(0, 2)])[0] for each in (False, True))
    assert once == pytest.approx(twice * ONE_STEP**2)


def told(trace: Trace, full: tuple[int, ...] = FULL) -> float:
    """What is expected, in dB, from one trace."""
    return expected_closeness([errors_of(trace)], [full])[0].decibels


def seen(trace: Trace, **what: object) -> Trace:
    """The trace of a sampler that was seen to do this, see Line."""
    return replace(trace, line=replace(trace.line, **what))


def by_drift(trace: Trace, full: tuple[int, ...] = FULL) -> float:
    """What the line has for the drift alone."""
    return Line(steps=STEPS).closeness(errors_of(trace).drifts([full])[0]).decibels


def errors_of(trace: Trace) -> GapErrors:
    return GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine")


def test_guidance_skipped_last_steps_and_the_sampler_count_as_in_a_run() -> None:
    plain = made_trace()
    assert told(plain) == pytest.approx(by_drift(plain))
    assert told(seen(plain, guidance=4.0)) == pytest.approx(by_drift(plain) - GUIDED)
    assert told(seen(plain, steps=10.0)) == pytest.approx(by_drift(plain) - SHORT)
    assert told(plain, FULL[:-1]) == pytest.approx(by_drift(plain, FULL[:-1]) - OPEN_END)
    assert told(seen(plain, twice=1.0)) == pytest.approx(by_drift(plain) + TWICE)
    # Of the slopes, only those of full steps turn as in the full run.
    assert told(seen(plain, turned=0.4 * STEPS / len(FULL))) == pytest.approx(by_drift(plain) - 2 * PER_DOUBLING)
    assert told(seen(plain, renewed=True)) <= MOST_RENEWED


def test_the_span_is_that_of_such_a_run() -> None:
    for noisy, span in ((False, USUAL), (True, NOISY)):
        close = expected_closeness([errors_of(seen(made_trace(), noisy=noisy))], [FULL])[0]
        assert (close.decibels - close.low, close.high - close.decibels) == pytest.approx(span)


def test_several_traces_count_alike() -> None:
    both = [made_trace(), made_trace((2.0, -1.0))]
    found = expected_closeness([errors_of(trace) for trace in both], [FULL])[0].decibels
    assert found == pytest.approx(sum(map(told, both)) / 2)


def test_no_closeness_is_made_up() -> None:
    for picture in (0.0, math.inf, math.nan):
        assert told(replace(made_trace(), picture=picture)) == LEAST
    assert told(made_trace(), (0,)) == LEAST  # no gap is closed
    assert told(made_trace(), tuple(range(STEPS))) == MOST


def test_a_calibration_has_it_for_every_line() -> None:
    traces = [made_trace(), made_trace((3.0, -2.0))]
    found = calibrate(traces, PlannedRun(PoolSettings(orders="0", horizon_from=0), trusting=False))
    told = expected_closeness([errors_of(trace) for trace in traces], [line.full for line in found.lines])
    for line, close in zip(found.lines, told, strict=True):
        assert (line.decibels, *line.span) == pytest.approx((close.decibels, close.low, close.high))
