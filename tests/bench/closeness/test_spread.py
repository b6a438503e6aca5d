"""The span that is told beside the figure is the one that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

import pytest
from tap_pack.tap_core import closeness

from closeness import command, telling
from models.stage import MODELS

# Where the estimate ends, nothing can lie below it.
LEAST = closeness.LEAST + 0.05
STEADY, NOISY, TURNING = ("euler", "heun", "dpmpp_2m", "res_multistep"), ("euler_ancestral", "er_sde"), ("uni_pc",)


def above(model: str, samplers: Sequence[str]) -> list[float]:
    """How far pictures of a model are above what was told, in dB, in all runs that skipped steps.

    Of a batch its worst picture, of which it tells; and of the runs of `telling` each by itself.
    """
    rows = [row for row in (*command.kept()["rows"], *telling.all_kept()["rows"])
            if row["model"] == model and row["sampler"] in samplers]
    found = [pair for row in rows for run in runs_of(row) if min(run["calls"]) < row["steps"] for pair in pairs_of(run)]
    return [psnr - told for told, psnr in found if told is not None and told > LEAST]


def runs_of(row: dict) -> list[dict]:
    """All of a row."""
    return [*row["qualities"].values(), *row["fixed"].values(), row["paper"]] if "qualities" in row else [row]


def pairs_of(run: dict) -> list[tuple[float | None, float]]:
    """Told and measured."""
    if run.get("batch"):
        return [(run["told"][0], min(run["psnr"]))]
    middle = [told[1] if isinstance(told, list) else told for told in run["told"]]
    return list(zip(middle, run["psnr"], strict=True))


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
