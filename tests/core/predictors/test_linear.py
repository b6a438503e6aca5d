"""Predictors that are rows of weights: what they are exact on, their published coefficients, that they stay finite."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictor import Predictor
from tap_pack.tap_core.predictors.adams_bashforth import AdamsBashforth
from tap_pack.tap_core.predictors.families import FAMILIES, MemberOptions
from tap_pack.tap_core.predictors.foca import FoCa
from tap_pack.tap_core.predictors.hermite import Hermite, hermite_values
from tap_pack.tap_core.predictors.hicache import HiCache, dual_scaled_hermite
from tap_pack.tap_core.predictors.newton import Newton
from tap_pack.tap_core.predictors.pool import Pool, family_pool
from tap_pack.tap_core.predictors.reuse import Reuse
from tap_pack.tap_core.predictors.spectrum import Spectrum
from tap_pack.tap_core.predictors.taylor import Taylor
from tap_pack.tap_core.timeline import Timeline

STEPS = Timeline(tuple(1 - i / 50 for i in range(51)))
SIGMAS = Timeline(tuple(3 * (1 - i / 50) / (1 + 2 * (1 - i / 50)) for i in range(51)), "sigma")
UNEVEN = [20.0, 14.0, 9.0, 7.0, 6.0, 2.0, 1.0, 0.0]
EVEN = [20.0, 15.0, 10.0, 5.0, 0.0]
LINEAR: list[Predictor] = [
    Reuse(), *(kind(order, horizon) for kind in (Taylor, Newton, Hermite, HiCache) for order in range(4)
               for horizon in (-3, 0, 2)),
    Spectrum(), Spectrum(horizon=-2), *(AdamsBashforth(order) for order in range(5)),
    FoCa(), FoCa(heun=True), FoCa(horizon=-2),
]


def forecast(predictor: Predictor, past: list[float], position: float, timeline: Timeline,
             curve: Callable[[float], float]) -> float:
    """The forecast of a curve over the time axis."""
    weights = predictor.weights(past, position, timeline)
    return sum(w * curve(timeline.coordinate(p)) for w, p in zip(weights, past, strict=True))


@pytest.mark.parametrize("timeline", [STEPS, SIGMAS], ids=["step", "sigma"])
@pytest.mark.parametrize("length", range(1, 9))
@pytest.mark.parametrize("predictor", LINEAR, ids=str)
def test_weights_sum_to_one_for_every_length_of_history(predictor: Predictor, length: int, timeline: Timeline) -> None:
    weights = predictor.weights(UNEVEN[:length], 24.0, timeline)
    assert len(weights) == length
    assert sum(weights) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("predictor", LINEAR, ids=str)
def test_nothing_beyond_the_stated_number_of_snapshots_is_used(predictor: Predictor) -> None:
    weights = predictor.weights(UNEVEN, 24.0, STEPS)
    assert not any(weights[predictor.snapshots:])


@pytest.mark.parametrize("timeline", [STEPS, SIGMAS], ids=["step", "sigma"])
@pytest.mark.parametrize("position", [21.0, 23.0, 24.5])
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("kind", [Newton, Hermite])
def test_newton_and_least_squares_are_exact_on_polynomials_of_their_order(
    kind: type, order: int, position: float, timeline: Timeline
) -> None:
    def curve(x: float) -> float:
        return sum((i + 1) * (x / 10) ** i for i in range(order + 1))

    exact = curve(timeline.coordinate(position))
    assert forecast(kind(order), UNEVEN, position, timeline, curve) == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("predictor", [Taylor(1), FoCa(), FoCa(heun=True), HiCache(1, scale=math.sqrt(0.5))], ids=str)
@pytest.mark.parametrize("timeline", [STEPS, SIGMAS], ids=["step", "sigma"])
def test_lines_are_continued_exactly(predictor: Predictor, timeline: Timeline) -> None:
    at = 2 - 3 * timeline.coordinate(24.0)
    assert forecast(predictor, UNEVEN, 24.0, timeline, lambda x: 2 - 3 * x) == pytest.approx(at)


def test_taylors_ladder_has_the_published_error_on_quadratics() -> None:
    past = [12.0, 6.0, 0.0]
    misses = [forecast(Taylor(2), past, 12.0 + k, STEPS, lambda s: (s - 12) ** 2) for k in (1, 3, 5)]
    assert misses == pytest.approx([-5, -9, -5])


@pytest.mark.parametrize("degree", range(1, 5))
def test_least_squares_without_a_surplus_step_are_newtons_polynomial(degree: int) -> None:
    fit, exact = Hermite(degree, fitted=degree + 1), Newton(degree)
    assert fit.weights(UNEVEN, 23.0, STEPS) == pytest.approx(exact.weights(UNEVEN, 23.0, STEPS), abs=1e-7)


@pytest.mark.parametrize("order", range(4))
def test_least_squares_agree_with_a_plain_polynomial_fit(order: int) -> None:
    past = torch.tensor(UNEVEN[:5], dtype=torch.float64)
    values = torch.sin(past)
    powers = torch.stack([past**i for i in range(order + 1)], dim=1)
    fit = torch.linalg.lstsq(powers, values).solution
    expected = sum(float(c) * 23.0**i for i, c in enumerate(fit))
    assert forecast(Hermite(order), UNEVEN, 23.0, STEPS, math.sin) == pytest.approx(expected)


def test_hermite_polynomials_are_the_probabilists() -> None:
    assert hermite_values(3.0, 4) == [1, 3, 8, 18, 30]


def test_a_fit_needs_more_steps_than_its_order() -> None:
    with pytest.raises(TapError, match="3 computed steps"):
        Hermite(2, fitted=2)


def test_hicaches_basis_is_as_published() -> None:
    k, s = 3.0, 0.5
    assert dual_scaled_hermite(k, s, 2) == pytest.approx([1, 2 * s**2 * k, (4 * s**4 * k**2 - 2 * s**2) / 2])


def test_hicache_halves_the_slope_by_default() -> None:
    assert forecast(HiCache(1), EVEN, 24.0, STEPS, lambda x: x) == pytest.approx(22)


def test_hicache_counts_in_steps_on_either_axis() -> None:
    straight = Timeline(STEPS.sigmas, "sigma")
    assert HiCache(2).weights(EVEN, 23.0, straight) == pytest.approx(HiCache(2).weights(EVEN, 23.0, STEPS))


def test_hicache_rejects_a_scale_of_zero() -> None:
    with pytest.raises(TapError, match="scale"):
        HiCache(2, scale=0.0)


@pytest.mark.parametrize("order", range(5))
def test_adams_bashforth_is_exact_one_gap_ahead(order: int) -> None:
    curve = [forecast(AdamsBashforth(order), EVEN, 25.0, STEPS, lambda s, d=degree: (s / 5) ** d)
             for degree in range(order + 1)]
    assert curve == pytest.approx([5.0**degree for degree in range(order + 1)])


def test_adams_bashforth_of_order_five_has_its_published_coefficients() -> None:
    assert AdamsBashforth(4).weights(EVEN, 21.0, STEPS) == [5, -10, 10, -5, 1]


def test_focas_first_step_has_its_published_coefficients() -> None:
    assert FoCa().weights([5.0, 4.0, 3.0], 6.0, STEPS) == pytest.approx([7 / 3, -5 / 3, 1 / 3])


@pytest.mark.parametrize("heun", [False, True])
def test_foca_feeds_its_own_forecasts_back(heun: bool) -> None:
    """Against the recursion on numbers, in even steps of 1 after full steps 1 apart."""
    full = [math.cos(s) for s in (5, 4, 3)]  # newest first
    values = list(full)
    for _ in range(4):
        newest = 7 / 3 * values[0] - 5 / 3 * values[1] + 1 / 3 * values[2]
        if heun:
            newest = values[0] + 0.5 * ((full[0] - full[1]) + (newest - values[0]))
        values = [newest, *values]
    assert forecast(FoCa(heun=heun), [5.0, 4.0, 3.0], 9.0, STEPS, math.cos) == pytest.approx(values[0])


def test_foca_walks_to_places_between_steps() -> None:
    assert forecast(FoCa(), UNEVEN, 22.25, STEPS, lambda x: 4 * x) == pytest.approx(89)


def test_foca_repeats_the_newest_when_asked_for_the_past() -> None:
    assert FoCa(horizon=-4).weights(UNEVEN[:3], 22.0, STEPS) == [1, 0, 0]


@pytest.mark.parametrize("past", [[10.0, 12.0, 8.0], [10.0, 11.0, 12.0], [11.0, 10.0, 12.0]])
def test_foca_follows_lines_after_a_restart_too(past: list[float]) -> None:
    assert forecast(FoCa(), past, 14.0, STEPS, lambda x: 4 * x) == pytest.approx(56)


def naive_spectrum(past: list[float], position: float, values: torch.Tensor, share: float) -> float:
    """Ridge regression of the values relative to the newest, with numbers instead of weights."""
    def design(steps: list[float]) -> torch.Tensor:
        angle = torch.arccos(torch.tensor([s / 25 - 1 for s in steps], dtype=torch.float64))
        return torch.stack([torch.cos(n * angle) for n in range(5)], dim=1)

    v = design(past)
    coefficients = torch.linalg.inv(v.T @ v + 0.1 * torch.eye(5, dtype=torch.float64)) @ v.T @ (values - values[0])
    line = values[0] + (values[0] - values[1]) / (past[0] - past[1]) * (position - past[0])
    return float(share * (values[0] + design([position]) @ coefficients) + (1 - share) * line)


@pytest.mark.parametrize("length", range(2, 9))
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_spectrum_agrees_with_a_regression_on_the_values(length: int, share: float) -> None:
    values = torch.sin(torch.tensor(UNEVEN[:length], dtype=torch.float64) / 4)
    expected = naive_spectrum(UNEVEN[:length], 23.0, values, share)
    got = forecast(Spectrum(share=share), UNEVEN[:length], 23.0, STEPS, lambda s: math.sin(s / 4))
    assert got == pytest.approx(expected)


def test_spectrum_is_the_same_for_sigmas_that_fall_evenly() -> None:
    straight = Timeline(STEPS.sigmas, "sigma")
    assert Spectrum().weights(UNEVEN, 23.0, straight) == pytest.approx(Spectrum().weights(UNEVEN, 23.0, STEPS))


@pytest.mark.parametrize("wrong", [{"remembered": 1}, {"share": 1.5}, {"ridge": 0.0}, {"ridge": math.nan}])
def test_spectrum_rejects_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(TapError, match="Spectrum"):
        Spectrum(**wrong)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Timeline, list[float], float]:
    """Any sigmas, also constant or rising ones; full steps in any order, as after restarts; any position."""
    sigmas = draw(st.lists(st.floats(0, 1000, width=32), min_size=2, max_size=30))
    last = len(sigmas) - 1
    past = draw(st.lists(st.integers(0, last), min_size=1, max_size=8, unique=True))
    position = draw(st.one_of(st.floats(0, last + 1), st.integers(0, last + 1).map(float)))
    axis = draw(st.sampled_from(["step", "sigma"]))
    return Timeline(tuple(sigmas), axis), [float(p) for p in past], position


@given(runs())
@example((Timeline((723.0, 0.0, 0.0, 0.0, 0.0, 25.0, 0.0, 0.25), "sigma"), [1.0, 5.0, 0.0, 7.0], 0.0))
def test_a_pool_of_all_families_gives_finite_weights_that_sum_to_one(run: tuple[Timeline, list[float], float]) -> None:
    timeline, past, position = run
    pool = Pool(tuple(LINEAR))
    rows = torch.tensor(pool.candidates(past, position, timeline).weights, dtype=torch.float64)
    assert rows.isfinite().all()
    assert rows.sum(1) == pytest.approx(torch.ones(len(rows)), rel=1e-6, abs=1e-9 * float(rows.abs().max()))


def test_sigmas_that_hardly_differ_do_not_blow_a_step_up() -> None:
    timeline = Timeline((2.0, 0.0, 4.5e-29, 1.0), "sigma")
    for heun in (False, True):
        assert sum(FoCa(heun).weights([1.0, 0.0], 3.0, timeline)) == pytest.approx(1)


def test_full_steps_of_the_same_sigma_are_distinguished_by_their_step() -> None:
    plateau = Timeline((1.0, 0.5, 0.5, 0.5, 0.0), "sigma")
    rows = Pool((Newton(1),)).candidates([2.0, 1.0], 3.0, plateau).weights
    assert rows == [[2, -1]]


def test_a_predictor_that_cannot_forecast_yet_is_left_out() -> None:
    class Later(Reuse):
        def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> None:
            return None

    assert Pool((Later(), Newton(1))).candidates([1.0, 0.0], 3.0, STEPS).members == [1]


def test_if_none_can_forecast_the_newest_full_step_is_repeated() -> None:
    class Later(Reuse):
        def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> None:
            return None

    assert Pool((Later(),)).candidates([1.0, 0.0], 3.0, STEPS).weights == [[1, 0]]


def test_every_family_has_members_lowest_order_first() -> None:
    pool = family_pool(list(FAMILIES), [0, 1, 2], MemberOptions([1, 2], [0, -1]))
    orders = [member.order for member in pool.predictors]
    assert orders == sorted(orders)
    assert {member.family for member in pool.members} == {"reuse", *FAMILIES}


def test_a_pool_of_order_zero_is_the_repeat() -> None:
    assert family_pool(["taylor"], [0], MemberOptions([])).predictors == (Reuse(),)


def test_a_family_that_does_not_exist_is_named() -> None:
    with pytest.raises(TapError, match="'tailor'"):
        family_pool(["tailor"], [1], MemberOptions([1]))


def test_families_and_orders_that_make_no_member_are_rejected() -> None:
    with pytest.raises(TapError, match="empty"):
        family_pool(["taylor"], [], MemberOptions([]))
