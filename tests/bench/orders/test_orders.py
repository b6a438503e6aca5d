"""The study of orders: its rule and its table."""

from __future__ import annotations

import torch
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
from tap_pack.tap_core.timeline import Timeline

from orders import command


def row(default: float, single: float, trusted: float = 0.0, calls: int = 10, plain: float = 25.0) -> dict:
    """A row with these means, in which order 1 is the best single one."""
    means = {"default": default, "0": 30.0, "0, trust": 29.0, "1": single, "1, trust": trusted, "2": 20.0,
             "2, trust": 21.0, "plain": plain}
    return {"model": "demo", "steps": 20, "cfg": 2.0, "target": "auto", "interval": 2, "calls": calls,
            "scores": {name: {"psnr": mean, "worst": mean - 5} for name, mean in means.items()}}


def test_the_default_is_measured_against_the_best_single_order_with_trust_or_without() -> None:
    assert command.below(row(40.0, 41.0)) == 1.0
    assert command.below(row(40.0, 39.0, trusted=40.5)) == 0.5
    assert command.below(row(40.0, 38.0)) == -2.0


def test_cells_that_break_the_rule_are_bold_and_counted() -> None:
    assert command.shown(row(40.0, 40.2)) == "40.0 / 30.0 / 40.2 / 21.0 / 25.0"
    assert command.shown(row(40.0, 40.4)) == "**40.0 / 30.0 / 40.4 / 21.0 / 25.0**"
    assert command.shown(row(40.0, 40.0, plain=41.0)) == "_40.0 / 30.0 / 40.0 / 21.0 / 41.0_"
    assert command.below(row(40.0, 40.0, plain=41.0)) == 0.0
    text = command.markdown({"rows": [row(40.0, 40.4)]})
    assert text.startswith("The default is within 0.3 dB of the best single order, or above it, in 0 of 1 cells, "
                           "and above as many plain steps in 1.")
    assert "| 20 steps | 10 calls |" in text


def test_the_intervals_leave_the_calls_that_they_are_named_for() -> None:
    def calls(steps: int) -> list[int]:
        timeline = Timeline(tuple(torch.linspace(1, 0, steps + 1).tolist()))
        settings = [command.Cell("demo", steps, 2.0, "auto", each).settings() for each in command.INTERVALS[steps]]
        return [len(full_steps(IntervalSchedule(each.interval, each.warmup_steps), timeline)) for each in settings]

    assert calls(50) == [12, 10, 8, 7, 6, 5] and calls(20) == [10, 7, 4]
