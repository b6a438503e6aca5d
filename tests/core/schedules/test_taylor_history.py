"""What schedules keep of full steps, to forecast it by themselves."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.schedules.taylor_history import TaylorHistory

from walk import even_timeline


@pytest.fixture
def history() -> TaylorHistory:
    return TaylorHistory(1, even_timeline(10))


def test_each_of_several_tensors_is_forecast_along_its_own_line(history: TaylorHistory) -> None:
    assert history.forecast(0.0) is None and history.newest == ()
    for step in (0.0, 1.0, 3.0):
        history.keep(step, torch.full((1, 2, 4), step), torch.full((1, 2, 4), 10 - 2 * step))
    assert [float(history.forecast(5.0, which).mean()) for which in (0, 1)] == [5.0, 0.0]
    assert history.nbytes == 2 * 2 * 8 * 4


def test_a_step_that_is_kept_again_takes_its_own_place(history: TaylorHistory) -> None:
    for step, value in ((0.0, 0.0), (2.0, 7.0), (2.0, 4.0)):
        history.keep(step, torch.full((1, 2, 4), value))
    assert float(history.forecast(3.0).mean()) == 6.0


def test_a_step_that_is_evaluated_twice_is_kept_once(history: TaylorHistory) -> None:
    for step in (0.0, 2.0, 4.0, 4.5):
        history.keep(step, torch.full((1, 2, 4), step))
    assert float(history.forecast(6.0).mean()) == 6.0
    assert history.nbytes == 2 * 8 * 4


def test_nothing_of_another_shape_is_kept(history: TaylorHistory) -> None:
    history.keep(0.0, torch.zeros(1, 2, 4))
    history.keep(2.0, torch.ones(1, 3, 4))
    assert torch.equal(history.forecast(3.0), torch.ones(1, 3, 4))


def test_a_forecast_is_made_in_float32(history: TaylorHistory) -> None:
    history.keep(0.0, torch.ones(1, 2, 4, dtype=torch.bfloat16))
    assert history.forecast(1.0).dtype == torch.float32 and history.newest[0].dtype == torch.bfloat16
