"""Under every published method and placement a run tells how close it is, or why that is not known."""

from __future__ import annotations

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.record.closeness_words import closeness_words
from tap_pack.tap_core.record.run_line import run_line
from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.sampling.settings import PLACEMENTS

from tiny_flux import sample, tiny_flux
from watched_runs import accelerated

STEPS = 28
WAYS = {**{name: {"given_pool": method.pool, "given_schedule": method.schedule("FLUX")}
           for name, method in METHODS.items()},
        **{f"placement {name}": {"placement": name} for name in PLACEMENTS}}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return tiny_flux()


@pytest.mark.parametrize("correction", ["on", "off"])
@pytest.mark.parametrize("way", WAYS)
def test_a_figure_or_a_reason(model: ModelPatcher, way: str, correction: str) -> None:
    tapped, holder = accelerated(model, correction, **WAYS[way])
    with torch.inference_mode():
        sample(tapped, STEPS, cfg=2.0)
    record = holder.latest
    assert record.complete
    if not record.forecast_steps:
        assert closeness_words(record) == "" and record.closeness is None
    elif record.closeness is None:
        assert record.why_unknown and record.why_unknown in run_line(record)
    else:
        assert record.closeness.low <= record.closeness.decibels <= record.closeness.high
        assert record.closeness.in_words in run_line(record) and not record.why_unknown


def test_most_of_them_skip_steps_and_tell_a_figure(model: ModelPatcher) -> None:
    told = []
    for way in WAYS:
        tapped, holder = accelerated(model, **WAYS[way])
        with torch.inference_mode():
            sample(tapped, STEPS, cfg=2.0)
        told.append(holder.latest.closeness is not None)
    assert sum(told) > 0.7 * len(told), dict(zip(WAYS, told, strict=True))
