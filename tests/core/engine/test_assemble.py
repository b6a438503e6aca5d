"""The forecast that follows from a choice."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_pack.tap_core.engine.assemble import assemble
from tap_pack.tap_core.predictors import token_chunks
from torch import Tensor

from trajectories import noise


def explicit(targets: list[Tensor], weights: Tensor, choice: Tensor) -> Tensor:
    """Every candidate's forecast in float64, then the chosen one of each token."""
    forecasts = torch.tensordot(weights.double(), torch.stack(targets).double(), 1)
    picked = choice.long()[None, ..., None].expand(1, *targets[0].shape)
    return forecasts.gather(0, picked)[0]


def case(
    batch: int, tokens: int, channels: int, snapshots: int, dtype: torch.dtype
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Targets, weights of five candidates, and a choice among them."""
    targets = [noise((batch, tokens, channels), k).to(dtype) for k in range(snapshots)]
    choice = torch.randint(0, 5, (batch, tokens), generator=torch.Generator().manual_seed(0))
    return targets, noise((5, snapshots), 99, torch.float32), choice


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("snapshots", [1, 2, 3, 4])
@pytest.mark.parametrize("batch", [1, 3])
def test_each_token_gets_its_own_candidates_forecast(batch: int, snapshots: int, dtype: torch.dtype) -> None:
    targets, weights, choice = case(batch, 37, 16, snapshots, dtype)
    forecast = assemble(targets, weights, choice)
    assert (forecast.dtype, forecast.shape) == (dtype, targets[0].shape)
    torch.testing.assert_close(forecast, explicit(targets, weights, choice).to(dtype))


@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=40)
def test_the_size_of_the_chunks_does_not_show(batch: int, tokens: int, per_chunk: int) -> None:
    targets, weights, choice = case(batch, tokens, 8, 3, torch.float32)
    whole = assemble(targets, weights, choice)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(token_chunks.CHUNK_BYTES, "cpu", 8 * 8 * per_chunk)
        torch.testing.assert_close(assemble(targets, weights, choice), whole, rtol=0, atol=0)


def test_snapshots_are_left_as_they_are() -> None:
    targets, weights, choice = case(1, 5, 8, 3, torch.float32)
    before = [t.clone() for t in targets]
    assemble(targets, weights, choice)
    for target, copy in zip(targets, before, strict=True):
        assert torch.equal(target, copy)


def test_a_forecast_beyond_float16_stays_at_its_end() -> None:
    targets = [torch.full((1, 2, 3), value).half() for value in (60000.0, -60000.0)]
    forecast = assemble(targets, torch.tensor([[3.0, -2.0], [-2.0, 3.0]]), torch.tensor([[0, 1]]))
    assert forecast[0, :, 0].tolist() == [65504, -65504]
