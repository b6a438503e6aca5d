"""Proxy losses from a few dots per token, against every forecast computed in float64."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.engine.history import History
from tap_pack.tap_core.engine.losses import PROXY_LOSSES
from tap_pack.tap_core.engine.scoring import proxy_losses
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors import token_chunks
from tap_pack.tap_core.predictors.pool import Pool, taylor_pool
from torch import Tensor

from trajectories import Path, even_timeline, history_of, noise, realistic

PAPER = taylor_pool([0, 1, 2], -4, 0, 1)


def rows(past: Sequence[float], ahead: float, pool: Pool = PAPER) -> Tensor:
    """Weight rows [P, K] of a pool's candidates."""
    return torch.tensor(pool.candidates(past, past[0] + ahead, even_timeline(50)).weights)


def explicit(history: History, probe: Tensor, weights: Tensor, loss: str, chunk: int = 64) -> Tensor:
    """The losses [B, N, P] by their definition in float64, some tokens at a time."""
    losses = torch.empty(*probe.shape[:2], len(weights), dtype=torch.float64)
    for part in (slice(start, start + chunk) for start in range(0, probe.shape[1], chunk)):
        true = _compared(probe[:, part].double(), loss)
        newest, *older = (kept[:, part].double() for kept in history.probes)
        for i, (first, *others) in enumerate(weights.tolist()):
            forecast = newest * first
            for weight, probes in zip(others, older, strict=True):
                forecast.add_(probes, alpha=weight)
            losses[:, part, i] = _distance(_compared(forecast, loss), true, loss)
    return losses


def _compared(probe: Tensor, loss: str) -> Tensor:
    """The compared part of a probe: for the cosine its direction, as 1 - cos is half the squared distance of these."""
    return probe.div_(probe.norm(dim=-1, keepdim=True)) if loss == "cosine" else probe


def _distance(forecast: Tensor, true: Tensor, loss: str) -> Tensor:
    error = forecast.sub_(true)
    if loss == "cosine":
        return error.square_().sum(-1) / 2
    return (error.square_() if loss == "l2" else error.abs_()).mean(-1)


def same_choice(ours: Tensor, theirs: Tensor) -> float:
    """Share of equal choices among the tokens whose two best losses differ by more than 1e-6."""
    best = theirs.sort(-1).values
    clear = best[..., 1] - best[..., 0] > 1e-6 * best[..., 0]
    assert clear.double().mean() > 0.9
    return (ours.argmin(-1) == theirs.argmin(-1))[clear].double().mean().item()


@pytest.mark.parametrize(
    ("dtype", "roughness", "loss"),
    [
        (torch.bfloat16, 0.03, "cosine"),
        (torch.bfloat16, 0.0, "l2"),
        (torch.float32, 0.03, "l2"),
        (torch.float32, 0.0, "cosine"),
    ],
)
def test_at_full_size_the_dots_agree_with_float64(dtype: torch.dtype, roughness: float, loss: str) -> None:
    past, ahead = [12, 7, 2], 3
    path = realistic((1, 4096, 3072), roughness, dtype)
    history, probe, weights = history_of(past, path), path(past[0] + ahead), rows(past, ahead)
    ours, theirs = proxy_losses(history, probe, weights, loss), explicit(history, probe, weights, loss)
    assert same_choice(ours, theirs) >= 0.999
    assert ((ours - theirs).abs() / theirs).max() < 1e-3


@pytest.mark.parametrize("loss", PROXY_LOSSES)
@pytest.mark.parametrize(
    ("past", "ahead"), [([0], 1), ([2, 1], 3), ([7, 2, 1], 1), ([7, 2, 1], 4), ([22, 17, 12, 7], 3)]
)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_short_histories_and_warm_up_spacings_agree_too(
    dtype: torch.dtype, past: list[float], ahead: float, loss: str
) -> None:
    path = realistic((2, 150, 256), 0.01, dtype)
    history, probe = history_of(past, path), path(past[0] + ahead)
    weights = rows(past, ahead, taylor_pool([0, 1, 2, 3], -4, 1, 0.5))
    ours, theirs = proxy_losses(history, probe, weights, loss), explicit(history, probe, weights, loss)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=0)


@pytest.mark.parametrize("loss", PROXY_LOSSES)
def test_a_batch_of_conditions_has_the_same_losses_as_each_one(loss: str) -> None:
    path, past = realistic((2, 40, 64), 0.05, torch.float32), [7, 2, 1]
    weights = rows(past, 3)
    together = proxy_losses(history_of(past, path), path(10), weights, loss)
    for i in range(2):
        def one(position: float, i: int = i) -> Tensor:
            return path(position)[i : i + 1]

        torch.testing.assert_close(together[i : i + 1], proxy_losses(history_of(past, one), one(10), weights, loss))


@pytest.mark.parametrize("loss", PROXY_LOSSES)
@given(tokens=st.integers(1, 30), per_chunk=st.integers(1, 8))
@settings(max_examples=20)
def test_the_size_of_the_chunks_does_not_show(loss: str, tokens: int, per_chunk: int) -> None:
    path, past = realistic((1, tokens, 32), 0.05, torch.float32), [7, 2, 1]
    weights = rows(past, 3)
    whole = proxy_losses(history_of(past, path), path(10), weights, loss)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(token_chunks.CHUNK_BYTES, "cpu", 4 * 32 * 5 * per_chunk)
        chunked = proxy_losses(history_of(past, path), path(10), weights, loss)
    torch.testing.assert_close(chunked, whole, rtol=1e-4, atol=1e-12)


def constant(position: float) -> Tensor:
    return noise((1, 6, 16), 0, torch.float32)


def on_a_line(position: float) -> Tensor:
    return noise((1, 6, 16), 0, torch.float32) + position * noise((1, 6, 16), 1, torch.float32)


@pytest.mark.parametrize("loss", PROXY_LOSSES)
def test_a_token_that_stood_still_is_forecast_without_error_by_all(loss: str) -> None:
    losses = proxy_losses(history_of([7, 2, 1], constant), constant(9), rows([7, 2, 1], 2), loss)
    assert losses.max() < 1e-6


@pytest.mark.parametrize("loss", PROXY_LOSSES)
@pytest.mark.parametrize("path", [constant, on_a_line])
def test_snapshots_in_one_line_do_not_break_the_losses(path: Path, loss: str) -> None:
    """There is only one direction then, or none; what is left of the others is rounding."""
    history, weights = history_of([7, 2, 1], path), rows([7, 2, 1], 3)
    probe = path(10) + 0.1 * noise((1, 6, 16), 2, torch.float32)
    ours, theirs = proxy_losses(history, probe, weights, loss), explicit(history, probe, weights, loss)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=1e-6)


def test_l2_and_l1_are_means_over_the_channels() -> None:
    history = history_of([0], lambda _: torch.zeros(1, 1, 4))
    probe = torch.tensor([[[1.0, -1.0, 3.0, -3.0]]])
    assert [proxy_losses(history, probe, torch.ones(1, 1), loss).item() for loss in ("l2", "l1")] == [5, 2]


def test_cosine_is_one_minus_the_cosine() -> None:
    history = history_of([0], lambda _: torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]))
    probe = torch.tensor([[[5.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [1.0, 1.0]]])
    losses = proxy_losses(history, probe, torch.ones(1, 1), "cosine")
    torch.testing.assert_close(losses.flatten(), torch.tensor([0, 1, 2, 1 - 0.5**0.5]))


@pytest.mark.parametrize("loss", PROXY_LOSSES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["probe", "newest", "oldest"])
def test_a_token_that_is_not_finite_takes_the_first_candidate_and_no_other_token_notices(
    where: str, bad: float, loss: str
) -> None:
    path, past = realistic((1, 5, 16), 0.05, torch.float32), [7, 2, 1]
    weights = rows(past, 3)
    clean = proxy_losses(history_of(past, path), path(10), weights, loss)
    history, probe = history_of(past, path), path(10)
    broken = {"probe": probe, "newest": history.probes[0], "oldest": history.probes[2]}[where]
    broken[0, 3, 7] = bad
    losses = proxy_losses(history, probe, weights, loss)
    assert losses.min(dim=-1).indices[0, 3] == 0
    others = [0, 1, 2, 4]
    torch.testing.assert_close(losses[:, others], clean[:, others])


@pytest.mark.parametrize("loss", PROXY_LOSSES)
def test_probes_are_left_as_they_are(loss: str) -> None:
    path, past = realistic((1, 5, 16), 0.05, torch.float32), [7, 2, 1]
    history, probe = history_of(past, path), path(10)
    before = [p.clone() for p in [*history.probes, probe]]
    proxy_losses(history, probe, rows(past, 3), loss)
    assert all(torch.equal(a, b) for a, b in zip([*history.probes, probe], before, strict=True))


def test_an_unknown_loss_is_answered_with_the_known_ones() -> None:
    history = history_of([0], lambda _: torch.ones(1, 1, 4))
    with pytest.raises(TapError, match="proxy_loss is 'psnr'; choose one of cosine, l2, l1"):
        proxy_losses(history, torch.ones(1, 1, 4), torch.ones(1, 1), "psnr")
