"""TAP Method: every named method runs, with its paper's settings for the loaded model."""

from __future__ import annotations

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.adapters.architecture import architecture
from tap_pack.nodes.method import TapMethod
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.schedules.interval import IntervalSchedule

from tiny_flux import Accelerated, distance, sample, tiny_flux
from tiny_flux_family import FLUX_ROWS
from tiny_qwen_family import QWEN_ROWS
from tiny_table import ALL_ROWS


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


@pytest.fixture(scope="module")
def stock(model: ModelPatcher) -> torch.Tensor:
    """What it makes without TAP."""
    return sample(model, 24)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_samples(model: ModelPatcher, stock: torch.Tensor, name: str) -> None:
    pool, schedule = TapMethod.execute(method=name, model=model).args
    accelerated = Accelerated(model, predictors=pool, schedule=schedule)
    output = accelerated.sample(24)
    assert output.isfinite().all()
    assert distance(output, stock) < 0.7
    assert accelerated.record.complete
    assert not accelerated.record.fallbacks


def test_settings_differ_by_model(model: ModelPatcher) -> None:
    assert architecture(model) == "FLUX"
    assert TapMethod.execute(method="TAP", model=model).args[1] == IntervalSchedule(5, 3)
    qwen = next(row for row in QWEN_ROWS if row.known)
    assert architecture(qwen.patcher()) == "Qwen-Image"
    assert TapMethod.execute(method="TAP", model=qwen.patcher()).args[1] == IntervalSchedule(4, 3)


def test_flux_2_has_no_numbers_of_flux_1() -> None:
    other = next(row for row in FLUX_ROWS if row.name == "FLUX.2").patcher()
    assert architecture(other) == "FLUX.2"
    with pytest.raises(TapError, match=r"measured on FLUX\.2"):
        TapMethod.execute(method="MagCache", model=other)
    assert TapMethod.execute(method="TeaCache", model=other).args[1].coefficients == (1.0, 0.0)


def test_every_model_has_a_name() -> None:
    names = {row.name: architecture(row.patcher()) for row in ALL_ROWS if row.known}
    assert all(names.values()) and list(names.values()).count("FLUX.2") == sum("FLUX.2" in name for name in names)
    assert names["HunyuanVideo"] == "HunyuanVideo" and names["Chroma"] == "Chroma"


def test_without_a_model_the_settings_are_those_for_flux() -> None:
    for name, method in METHODS.items():
        assert TapMethod.execute(method=name).args[1] == method.schedule("FLUX")


def test_a_method_without_numbers_for_a_model_says_so(monkeypatch: pytest.MonkeyPatch, model: ModelPatcher) -> None:
    monkeypatch.setattr("tap_pack.nodes.method.architecture", lambda model: "Wan")
    with pytest.raises(TapError, match="measured on Wan"):
        TapMethod.execute(method="MagCache", model=model)
