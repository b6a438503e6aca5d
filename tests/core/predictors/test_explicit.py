"""Predictors that are not a row of weights, each against a second implementation, and in the choice of each token."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.engine.explicit import explicit_losses, put_explicit
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictor import ExplicitPredictor, Moment
from tap_pack.tap_core.predictors.dicache import DiCache
from tap_pack.tap_core.predictors.freqca import CoarsePart, FreqCa
from tap_pack.tap_core.predictors.hicache import HiCache
from tap_pack.tap_core.predictors.magnitude import MagnitudeScaled
from tap_pack.tap_core.predictors.tc_pade import TcPade
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor

GRID = (2, 3, 5)
TOKENS = math.prod(GRID)
STEPS = Timeline(tuple(1 - i / 50 for i in range(51)))
PAST = (20.0, 15.0, 10.0)
EXPLICIT: list[ExplicitPredictor] = [
    DiCache(), DiCache(per_token=False), MagnitudeScaled(), TcPade(), TcPade(literal=True), FreqCa(), FreqCa(0.5),
]


def noise(seed: int, count: int = 3, channels: int = 7, batch: int = 2) -> list[Tensor]:
    """Some tensors [B, N, C]."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, TOKENS, channels, generator=generator) for _ in range(count)]


def moment(probes: list[Tensor], probe: Tensor, position: float = 23.0, axis: str = "step") -> Moment:
    """A skipped step after full steps 20, 15, 10."""
    return Moment(PAST[: len(probes)], position, Timeline(STEPS.sigmas, axis), probes, probe, GRID)


def test_dicache_agrees_with_its_formula_token_by_token() -> None:
    probes, (probe,), stream = noise(1), noise(2, 1), noise(3, channels=4)
    forecast = DiCache().forecast(stream, moment(probes, probe))
    for b in range(2):
        for n in range(TOKENS):
            moved = float((probe - probes[1])[b, n].abs().mean() / (probes[0] - probes[1])[b, n].abs().mean())
            expected = stream[1][b, n] + min(max(moved, 1), 1.5) * (stream[0] - stream[1])[b, n]
            torch.testing.assert_close(forecast[b, n], expected)


def test_dicache_with_one_stretch_for_all_takes_the_means_over_a_picture() -> None:
    probes, (probe,), stream = noise(1), noise(2, 1), noise(3)
    probe = 1.3 * probe
    forecast = DiCache(per_token=False).forecast(stream, moment(probes, probe))
    for b in range(2):
        moved = float((probe - probes[1])[b].abs().mean() / (probes[0] - probes[1])[b].abs().mean())
        assert 1 < moved < 1.5
        torch.testing.assert_close(forecast[b], stream[1][b] + moved * (stream[0] - stream[1])[b])


def test_dicache_repeats_a_token_whose_probe_stood_still() -> None:
    (probe, other), stream = noise(1, 2), noise(3)
    torch.testing.assert_close(DiCache().forecast(stream, moment([probe, probe], other)), stream[0])


@pytest.mark.parametrize("position", [21.0, 25.0, 33.0])
def test_a_scaled_repeat_continues_the_length_of_each_token(position: float) -> None:
    probes, (probe,), stream = noise(1), noise(2, 1), noise(3)
    forecast = MagnitudeScaled().forecast(stream, moment(probes, probe, position))
    for b in range(2):
        for n in range(TOKENS):
            new, old = stream[0][b, n], stream[1][b, n]
            growth = min(max(float(new.norm() / old.norm()), 0.5), 2) ** ((position - 20) / 5)
            torch.testing.assert_close(forecast[b, n], new * min(max(growth, 0.5), 2))


def naive_pade(r: list[float], lengths: tuple[float, float, float], u: float, share: float) -> float:
    """One channel of one token. lengths: of r0 - r1 and r0 + r1, and the root mean square of r2, over its channels."""
    steady = math.exp(-10 * lengths[0] / lengths[1])
    if share < 0.3:
        return r[0] + 0.5 * u * (r[0] - r[1])
    below = min(max(1 + steady / 10 * r[2] / lengths[2], 0.5), 2)
    return r[0] + steady * u * (r[0] - r[1]) / below + (0.1 * (r[0] - r[1]) if share > 0.8 else 0)


@pytest.mark.parametrize("position", [11.0, 23.0, 45.0])
def test_tc_pade_agrees_with_its_formula_channel_by_channel(position: float) -> None:
    start, steps = noise(3, 1)[0], noise(4, 2)
    stream = [start + 0.1 * steps[0], start, start + 0.1 * steps[1]]
    past = (position - 1, position - 4, position - 6)
    forecast = TcPade().forecast(stream, Moment(past, position, STEPS, stream, start, GRID))
    for b, n, c in ((0, 0, 0), (1, 7, 3), (1, 29, 6)):
        r = [part[b, n] for part in stream]
        lengths = (float((r[0] - r[1]).norm()), float((r[0] + r[1]).norm()), float(r[2].square().mean().sqrt()))
        expected = naive_pade([float(part[c]) for part in r], lengths, 1 / 3, position / 50)
        assert float(forecast[b, n, c]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("position", [11.0, 23.0, 45.0])
def test_tc_pade_keeps_a_constant(position: float) -> None:
    (stream,) = noise(3, 1)
    torch.testing.assert_close(TcPade().forecast([stream] * 3, moment([stream] * 3, stream, position)), stream)


def test_tc_pade_as_printed_divides_what_it_adds() -> None:
    (r,) = noise(3, 1)
    stream = [0.1 * r] * 3
    expected = 0.1 * r / (1 + 0.1 * 0.1 * r)
    torch.testing.assert_close(TcPade(literal=True).forecast(stream, moment(stream, r)), expected)


def low_by_fourier(frames: Tensor, cutoff: float) -> Tensor:
    """A cosine transform is a Fourier transform of the frame next to its mirror images."""
    rows, columns = frames.shape[-2:]
    wide = torch.cat([frames, frames.flip(-1)], dim=-1)
    spectrum = torch.fft.fft2(torch.cat([wide, wide.flip(-2)], dim=-2).double())
    down = torch.fft.fftfreq(2 * rows).abs() * 2 * rows
    across = torch.fft.fftfreq(2 * columns).abs() * 2 * columns
    kept = torch.hypot(down[:, None], across) <= cutoff * math.hypot(rows - 1, columns - 1) + 1e-9
    return torch.fft.ifft2(spectrum * kept).real[..., :rows, :columns].float()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (7, 1), (16, 12)])
@pytest.mark.parametrize("cutoff", [0.0, 0.1, 0.3, 0.7])
def test_the_coarse_part_agrees_with_a_fourier_transform(size: tuple[int, int], cutoff: float) -> None:
    frame = torch.randn(*size, 3, generator=torch.Generator().manual_seed(1))
    coarse = CoarsePart(*size, cutoff, torch.device("cpu")).of(frame)
    expected = low_by_fourier(frame.permute(2, 0, 1), cutoff).permute(1, 2, 0)
    torch.testing.assert_close(coarse, expected, atol=1e-5, rtol=1e-4)


def test_freqca_is_a_repeat_if_everything_counts_as_coarse() -> None:
    stream = noise(3)
    torch.testing.assert_close(FreqCa(1.0).forecast(stream, moment(stream, stream[0])), stream[0])


def test_freqca_is_the_hermite_forecast_if_nothing_counts_as_coarse() -> None:
    stream = noise(3)
    weights = HiCache(2, scale=0.71).weights(PAST, 23.0, STEPS)
    expected = sum(w * part for w, part in zip(weights, stream, strict=True))
    torch.testing.assert_close(FreqCa(-0.1).forecast(stream, moment(stream, stream[0])), expected)


def test_freqca_repeats_a_frames_brightness_and_continues_its_detail() -> None:
    detail, _ = noise(6, 2)
    stream = [brightness + size * detail for brightness, size in ((3.0, 3.0), (2.0, 2.0), (1.0, 1.0))]
    frames = FreqCa(0.0).forecast(stream, moment(stream, stream[0], 25.0)).unflatten(1, GRID)
    newest = stream[0].unflatten(1, GRID)
    middle, newest_middle = frames.mean((2, 3), keepdim=True), newest.mean((2, 3), keepdim=True)
    torch.testing.assert_close(middle, newest_middle)
    torch.testing.assert_close(frames - middle, (3 + 2 * 0.71**2) / 3 * (newest - newest_middle))


@pytest.mark.parametrize("grid", [None, (1, 3, 5)])
def test_freqca_needs_tokens_that_fill_a_grid(grid: tuple[int, int, int] | None) -> None:
    probes = noise(1)
    assert not FreqCa().ready(Moment(PAST, 23.0, STEPS, probes, probes[0], grid))


@pytest.mark.parametrize("predictor", EXPLICIT, ids=str)
def test_none_is_ready_after_a_single_full_step(predictor: ExplicitPredictor) -> None:
    probes = noise(1, 1)
    assert not predictor.ready(moment(probes, probes[0]))
    assert predictor.ready(moment(noise(1), probes[0]))


@pytest.mark.parametrize("wrong", [lambda: TcPade(steadiness=0.0), lambda: FreqCa(math.nan)])
def test_settings_that_make_no_sense_are_rejected(wrong: type) -> None:
    with pytest.raises(TapError):
        wrong()


@st.composite
def streams(draw: st.DrawFn) -> list[Tensor]:
    """Full steps and a true probe whose tokens are still, opposite, huge, tiny or zero."""
    scale = st.sampled_from([0.0, 1.0, -1.0, 1e6, -1e6, 1e-12, 1e-30])
    base = noise(draw(st.integers(0, 9)), 1, batch=1)[0]
    return [base * torch.tensor(draw(st.lists(scale, min_size=TOKENS, max_size=TOKENS)))[:, None] for _ in range(4)]


@pytest.mark.parametrize("axis", ["step", "sigma"])
@pytest.mark.parametrize("predictor", EXPLICIT, ids=str)
@settings(max_examples=25)
@given(streams(), st.floats(20.01, 50))
def test_forecasts_are_finite_for_every_history(
    predictor: ExplicitPredictor, axis: str, values: list[Tensor], position: float
) -> None:
    *stream, probe = values
    assert predictor.forecast(stream, moment(stream, probe, position, axis)).isfinite().all()


@pytest.mark.parametrize("predictor", EXPLICIT, ids=str)
def test_bfloat16_is_worked_on_in_float32(predictor: ExplicitPredictor) -> None:
    stream = [part.bfloat16() for part in noise(3)]
    forecast = predictor.forecast(stream, moment(stream, stream[0]))
    wide = [part.float() for part in stream]
    assert forecast.dtype == torch.float32
    torch.testing.assert_close(forecast, predictor.forecast(wide, moment(wide, wide[0])))


@pytest.mark.parametrize("loss", ["cosine", "l2", "l1"])
def test_losses_are_those_of_the_forecasts(loss: str) -> None:
    stream, (truth,) = noise(3), noise(4, 1)
    now = moment(stream, truth)
    losses = explicit_losses([DiCache(), TcPade()], stream, truth, now, loss)
    for i, predictor in enumerate((DiCache(), TcPade())):
        p = predictor.forecast(stream, now)
        expected = {
            "cosine": 1 - torch.cosine_similarity(p, truth, dim=-1),
            "l2": (p - truth).square().mean(-1),
            "l1": (p - truth).abs().mean(-1),
        }[loss]
        torch.testing.assert_close(losses[..., i], expected, atol=1e-5, rtol=1e-4)


def test_a_token_whose_forecast_has_no_direction_has_an_infinite_cosine_loss() -> None:
    stream = [torch.zeros_like(part) for part in noise(3)]
    truth = noise(4, 1)[0]
    assert explicit_losses([DiCache()], stream, truth, moment(stream, truth), "cosine").isposinf().all()


def test_forecasts_go_to_the_tokens_that_chose_them_and_to_no_others() -> None:
    stream, target = noise(3), noise(5, 1)[0].bfloat16()
    place = torch.arange(2 * TOKENS).view(2, TOKENS) % 3 - 1
    now = moment(stream, stream[1])
    result = put_explicit(target, [DiCache(), TcPade()], stream, now, place)
    assert result.dtype == torch.bfloat16
    for i, expected in ((-1, target), (0, DiCache().forecast(stream, now)), (1, TcPade().forecast(stream, now))):
        torch.testing.assert_close(result[place == i], expected[place == i].bfloat16())


def test_a_forecast_that_is_not_finite_is_not_used() -> None:
    stream, target = noise(3), noise(5, 1)[0]
    stream[0][0, 0, 0] = torch.nan
    result = put_explicit(target, [DiCache()], stream, moment(stream, stream[1]), torch.zeros(2, TOKENS))
    assert result.isfinite().all()
