"""A calibration expects what a run with its full steps then tells of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.calibrate.expected import expected_decibels
from tap_pack.tap_core.calibrate.fitted_numbers import Changes
from tap_pack.tap_core.calibrate.gap_errors import GapErrors
from tap_pack.tap_core.calibrate.rows import Rows
from tap_pack.tap_core.calibrate.trace import ConditionTrace, Trace
from tap_pack.tap_core.closeness import GUIDED, LEAST, OPEN_END, Line
from tap_pack.tap_core.predictors.pool import Pool
from tap_pack.tap_core.sampling.drifts import NOT_REPAID, REPAID, Drifts
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.timeline import Timeline

STEPS, TOKENS, WIDTH = 24, 10, 6
FULL = (0, 2, 6, 7, 11, 17, 23)
SIGMAS = tuple((1 - step / STEPS) ** 1.3 for step in range(STEPS + 1))
REUSE: Pool = PoolSettings(orders="0", horizon_from=0).pool()


def made_trace(shares: tuple[float, ...] = (1.0,), mixed: bool = True) -> Trace:
    """Slopes that turn slowly, under a picture that stands still."""
    random = torch.Generator().manual_seed(4)
    conditions = []
    for share in shares:
        speed, phase = 2 * torch.rand(2, TOKENS, WIDTH, generator=random)
        slope = torch.sin(speed * torch.linspace(0, 3, STEPS)[:, None, None] + phase) + phase
        picture = torch.full_like(slope, 0.5)
        conditions.append(ConditionTrace(share, slope, torch.cat([picture, slope], dim=-1), Changes(), ()))
    return Trace("Flux", "auto", SIGMAS, tuple(conditions), mixed=mixed, picture=0.25)


def drift_of_a_run(trace: Trace, counts: float) -> float:
    """What a run that repeats its latest full slope measures."""
    slopes = sum(condition.share * condition.target.chunk(2, dim=-1)[1] for condition in trace.conditions)
    drifts, latest = Drifts(trace.mixed), slopes[0]
    for step, sigma in enumerate(SIGMAS[:-1]):
        latest = slopes[step] if step in FULL else latest
        x = 0.5 + sigma * slopes[step][None]
        drifts.add(x, x - sigma * latest[None], sigma, step in FULL, counts)
    return float(drifts.both[0])


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("repaid", [True, False])
@pytest.mark.parametrize("shares", [(1.0,), (3.0, -2.0)])
def test_it_is_the_drift_that_a_run_measures(shares: tuple[float, ...], repaid: bool, mixed: bool) -> None:
    trace = made_trace(shares, mixed)
    errors = GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine", repaid)
    wanted = drift_of_a_run(trace, REPAID if repaid else NOT_REPAID)
    assert errors.drift(FULL) == pytest.approx(wanted, rel=0.1)  # the steps of a gap differ, and are weighed here


def test_guidance_and_skipped_last_steps_count_as_in_a_run() -> None:
    errors, guided = (GapErrors(made_trace(shares), Rows(REUSE, Timeline(SIGMAS)), "cosine")
                      for shares in ((1.0,), (4.0, -3.0)))
    assert expected_decibels([errors], FULL) == pytest.approx(Line(steps=STEPS).closeness(errors.drift(FULL)).decibels)
    plain = Line(steps=STEPS).closeness(guided.drift(FULL)).decibels
    assert expected_decibels([guided], FULL) == pytest.approx(plain - GUIDED)
    open_end = Line(steps=STEPS).closeness(errors.drift(FULL[:-1])).decibels - OPEN_END
    assert expected_decibels([errors], FULL[:-1]) == pytest.approx(open_end)


def test_several_traces_count_alike() -> None:
    both = [GapErrors(made_trace(shares), Rows(REUSE, Timeline(SIGMAS)), "cosine") for shares in ((1.0,), (2.0, -1.0))]
    alone = [expected_decibels([each], FULL) for each in both]
    assert expected_decibels(both, FULL) == pytest.approx(sum(alone) / 2)


def test_a_picture_of_zeros_is_called_as_far_off_as_can_be() -> None:
    trace = replace(made_trace(), picture=0.0)
    assert expected_decibels([GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine")], FULL) == LEAST


def test_a_calibration_has_it_for_every_line() -> None:
    traces = [made_trace(), made_trace((3.0, -2.0))]
    found = calibrate(traces, PlannedRun(PoolSettings(orders="0", horizon_from=0), trusting=False))
    errors = [GapErrors(trace, Rows(REUSE, Timeline(SIGMAS)), "cosine") for trace in traces]
    for line in found.lines:
        assert line.decibels == pytest.approx(expected_decibels(errors, line.full))


@pytest.mark.parametrize(("shares", "guidance"), [((1.0,), 1.0), ((4.5, -3.5), 4.5), ((1.0, 1.0), None)])
def test_guidance_is_what_the_conditions_count(shares: tuple[float, ...], guidance: float | None) -> None:
    assert made_trace(shares).guidance == guidance
