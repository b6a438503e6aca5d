"""Sigmas moved to fit a placement, on a way that is known: dx/dsigma = d(sigma), the same for every x."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.calibrate.fitted_numbers import Changes
from tap_pack.tap_core.calibrate.full_way import FullWay, slope_shares
from tap_pack.tap_core.calibrate.gap_errors import LEFT_BY_REPAYING, weight_of
from tap_pack.tap_core.calibrate.moved_sigmas import moved_sigmas
from tap_pack.tap_core.calibrate.trace import ConditionTrace, Trace
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.predictors.lagrange import lagrange

STEPS = 20
SIGMAS = tuple((1 - i / STEPS) ** 1.3 for i in range(STEPS + 1))
FULL = (0, 2, 5, 9, 14, 17, 19)
PHASES = torch.linspace(0, 0.4, 24, dtype=torch.float64).reshape(4, 6)


def slope(sigma: float) -> torch.Tensor:
    """d [N, C] at a sigma."""
    return torch.sin(4 * sigma + PHASES)


def made_trace(sigmas: tuple[float, ...] = SIGMAS) -> Trace:
    """A full run through this slope."""
    target = torch.stack([slope(sigma) for sigma in sigmas[:-1]]).float()
    return Trace("Flux", "output", sigmas, (ConditionTrace(1.0, target, target, Changes(), ()),), mixed=True)


def added(sigmas: tuple[float, ...], full: tuple[int, ...]) -> list[torch.Tensor]:
    """What a skipping run's Euler steps add to x in each gap, from the true slope: one value after the other."""
    found = []
    for number, (step, end) in enumerate(pairwise((*full, STEPS))):
        x, f0, f1 = 0, full[number], full[number - 1] if number else None
        for at in range(step, end):
            line = slope(sigmas[f0])
            if at > f0 and f1 is not None:
                line = line + (line - slope(sigmas[f1])) * (at - f0) / (f0 - f1)
            if at > f0 and end < STEPS:
                nodes = [end, *reversed(full[max(number - 1, 0) : number + 1])]
                shares = lagrange([log_noise(sigmas[n], True) for n in nodes], log_noise(sigmas[at], True))
                known = sum(share * slope(sigmas[n]) for share, n in zip(shares, nodes, strict=True))
                line = known + LEFT_BY_REPAYING * (line - known)
            x = x + (sigmas[at + 1] - sigmas[at]) * line
        found.append(x)
    return found


def along(sigmas: tuple[float, ...], start: float, end: float) -> torch.Tensor:
    """What the full run's Euler steps add to x between two sigmas."""
    return sum((max(after, end) - min(sigma, start)) * slope(sigma) for sigma, after in pairwise(sigmas)
               if sigma > end and after < start)


def test_the_weights_of_the_slopes_are_those_of_a_skipping_run() -> None:
    shares = slope_shares(torch.tensor(SIGMAS, dtype=torch.float64), FULL, True)
    slopes = torch.stack([slope(SIGMAS[step]) for step in FULL])
    wanted = torch.stack(added(SIGMAS, FULL))
    torch.testing.assert_close(torch.einsum("fg,gnc->fnc", shares, slopes), wanted)


def test_the_drift_of_a_gap_is_what_it_adds_beside_the_full_run() -> None:
    other = tuple(sigma**1.1 for sigma in SIGMAS)
    way, sigmas = FullWay(made_trace()), torch.tensor(other, dtype=torch.float64)
    drifts = way.drifts(sigmas, FULL)
    for number, (add, step, end) in enumerate(zip(added(other, FULL), FULL, (*FULL[1:], STEPS), strict=True)):
        wanted = weight_of(other[step], True) * (add - along(SIGMAS, other[step], other[end]))
        # The slope between the trace's sigmas is read off a line.
        torch.testing.assert_close(drifts[number].reshape(4, 6), wanted, rtol=0.02, atol=2e-3)
    assert way.drifts(way.sigmas, range(STEPS)).abs().max() < 1e-6  # nothing skipped, nothing drifts


@pytest.mark.parametrize(("which", "of_it"), [("skipped", 0.7), ("all", 0.7)])
def test_moved_sigmas_leave_a_smaller_drift_in_the_true_run(which: str, of_it: float) -> None:
    moved = moved_sigmas([made_trace(), made_trace()], FULL, which)

    def drift(sigmas: tuple[float, ...]) -> float:
        places = [sigmas[step] for step in (*FULL, STEPS)]
        misses = [add - along(SIGMAS, *ends) for add, ends in zip(added(sigmas, FULL), pairwise(places), strict=True)]
        return math.sqrt(sum(float(miss.square().mean()) for miss in misses))

    assert drift(moved) < of_it * drift(SIGMAS)
    assert (moved[0], moved[-1], len(moved)) == (SIGMAS[0], SIGMAS[-1], len(SIGMAS))
    assert all(after < before for before, after in pairwise(moved))
    stay = [abs(moved[step] - SIGMAS[step]) < 1e-9 for step in FULL]
    assert all(stay) if which == "skipped" else not all(stay)


def test_a_run_without_gaps_is_left_as_it_is() -> None:
    assert moved_sigmas([made_trace()], range(STEPS), "skipped") == pytest.approx(SIGMAS)
    assert moved_sigmas([made_trace()], range(STEPS), "all") == pytest.approx(SIGMAS, abs=5e-3)


def test_it_works_where_comfyui_runs_nodes() -> None:
    with torch.inference_mode():
        moved = moved_sigmas([made_trace()], FULL, "all")
    assert moved == pytest.approx(moved_sigmas([made_trace()], FULL, "all"))


def test_sigmas_that_rise_are_refused_in_words() -> None:
    with pytest.raises(TapError, match="lower than the one before"):
        moved_sigmas([replace(made_trace(), sigmas=(1.0, 0.5, 0.6, *SIGMAS[3:]))], FULL, "all")
