"""The sentences for bad settings, and what good ones mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.interval import full_steps

from trajectories import even_timeline

NAN, INFINITE = float("nan"), float("inf")


def test_pool_interval_and_loss_are_the_papers_by_default() -> None:
    settings = TapSettings(placement="paper")
    assert len(settings.pool().predictors) == 15
    assert full_steps(settings.schedule(), even_timeline(50)) == [0, 1, 2, 7, 12, 17, 22, 27, 32, 37, 42, 47]
    assert (settings.proxy_loss, settings.time_axis) == ("cosine", "step")


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"orders": ""}, "orders is empty; choose at least one order, such as 0,1,2."),
        ({"orders": " , "}, "orders is empty; choose at least one order, such as 0,1,2."),
        ({"orders": "0,4"}, "orders names 4; the highest order is 3."),
        ({"orders": 5000 * "9"}, f"orders is '{40 * '9'}'; write numbers from 0 to 3 between commas"),
        ({"orders": "two"}, "orders is 'two'; write numbers from 0 to 3 between commas, such as 0,1,2."),
        ({"orders": "1,-1"}, "orders is '1,-1'; write numbers from 0 to 3 between commas, such as 0,1,2."),
        ({"orders": "²"}, "orders is '²'; write numbers from 0 to 3 between commas, such as 0,1,2."),
        (
            {"horizon_from": 1, "horizon_to": -2},
            "horizon_from is 1, above horizon_to -2; lower horizon_from or raise horizon_to.",
        ),
        ({"horizon_step": 0.0}, "horizon_step is 0.0; set it above 0, such as 1."),
        ({"horizon_step": -1.0}, "horizon_step is -1.0; set it above 0, such as 1."),
        ({"horizon_step": NAN}, "horizon_step is nan; set it to a number."),
        ({"horizon_step": INFINITE}, "horizon_step is inf; set it to a number."),
        ({"horizon_from": NAN}, "horizon_from is nan; set it to a number."),
        ({"horizon_to": NAN}, "horizon_to is nan; set it to a number."),
        (
            {"horizon_step": 1e-3},
            "horizon_step 0.001 makes more than 200 horizons of -4 to 0; raise horizon_step.",
        ),
        (
            {"horizon_step": 5e-324},
            "horizon_step 5e-324 makes more than 200 horizons of -4 to 0; raise horizon_step.",
        ),
        ({"interval": 0}, "interval is 0; set it to 1 (compute every step) or more."),
        ({"interval": NAN}, "interval is nan; set it to a number."),
        ({"warmup_steps": -1}, "warmup_steps is -1; set it to 0 or more."),
        ({"proxy_loss": "psnr"}, "proxy_loss is 'psnr'; choose one of cosine, l2, l1."),
        ({"target": "latent"}, "target is 'latent'; choose one of auto, residual, output, denoised"),
        ({"time_axis": "snr"}, "time_axis is 'snr'; choose one of step, sigma"),
        ({"cache_device": "disk"}, "cache_device is 'disk'; choose one of gpu, cpu"),
    ],
)
def test_a_bad_input_is_answered_with_what_to_change(bad: dict[str, object], sentence: str) -> None:
    with pytest.raises(TapError) as problem:
        TapSettings(**bad)
    assert str(problem.value).startswith(sentence)


@given(st.sets(st.integers(0, 3), min_size=1), st.integers(-8, 4), st.integers(0, 6), st.sampled_from([0.5, 1.0, 2.0]))
def test_every_good_input_makes_a_pool_of_those_orders_and_horizons(
    orders: set[int], lowest: int, span: int, step: float
) -> None:
    settings = TapSettings(
        orders=", ".join(map(str, orders)), horizon_from=lowest, horizon_to=lowest + span, horizon_step=step
    )
    members = settings.pool().predictors
    assert {p.order for p in members} == orders
    assert {p.horizon for p in members} == {lowest + i * step for i in range(int(span / step) + 1)}
    assert len(members) == len(set(members))
