"""The span that is told beside the figure is the one that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

import pytest
from tap_pack.tap_core import closeness

from closeness import command
from models.stage import MODELS

# Where the estimate ends, nothing can lie below it.
LEAST = closeness.LEAST + 0.05
STEADY, NOISY, TURNING = ("euler", "heun", "res_multistep"), ("euler_ancestral", "er_sde"), ("uni_pc",)


def above(model: str, samplers: Sequence[str]) -> list[float]:
    """How far pictures of a model are above what was told, in dB, in all runs that skipped steps."""
    rows = [row for row in command.kept()["rows"] if row["model"] == model and row["sampler"] in samplers]
    runs = [(run, row["steps"]) for row in rows for run in (*row["qualities"].values(), *row["fixed"].values())]
    found = [(*each, steps) for run, steps in runs
             for each in zip(run["psnr"], run["told"], run["calls"], strict=True) if None not in each]
    return [psnr - told for psnr, told, calls, steps in found if calls < steps and told > LEAST]


def share_within(off: Sequence[float], less: float, more: float) -> float:
    """The share of these within the span."""
    return mean(-less <= each <= more for each in off)


@pytest.mark.parametrize(("samplers", "span"), [
    (STEADY, closeness.USUAL), (NOISY, closeness.NOISY), (TURNING, closeness.TURNING)], ids=lambda each: str(each[0]))
def test_eight_of_ten_pictures_lie_in_the_span(samplers: Sequence[str], span: tuple[float, float]) -> None:
    assert mean(share_within(above(model, samplers), *span) for model in MODELS) == pytest.approx(0.8, abs=0.06)


def test_the_span_of_one_model_is_narrower() -> None:
    every = {model: above(model, (*STEADY, *NOISY, *TURNING)) for model in MODELS}
    within = [share_within([each - median(off) for each in off], *closeness.OF_ONE_MODEL) for off in every.values()]
    assert mean(within) == pytest.approx(0.8, abs=0.06)
