"""A model class that TAP does not know: forecast by its input and output, and the report says how to ask for more."""

from __future__ import annotations

import pytest
import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import ADAPTERS, ASK_AT, find_adapter, how_to_ask
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.nodes.comfy_bridge.seam.in_out_seam import InOutAdapter
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.record.summary import report_text
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor, nn

from stand_ins import QwenImage21Transformer2DModel
from tiny_models import TinyModel, sample
from tiny_qwen_family import QWEN21_ROW
from tiny_table import ALL_ROWS

NAME = "qwen_image21.model.QwenImage21Transformer2DModel"
STEPS = 12


def picture(row: TinyModel, **settings: object) -> tuple[Tensor, TapRecord | None]:
    """A picture and its record; without settings, without TAP."""
    model, holder = row.patcher(), RecordHolder()
    if settings:
        TapPatch(TapSettings(**settings), holder).install(model)
    with torch.inference_mode():
        return sample(row, model, next(iter(row.sizes)), row.batch, 2.0, STEPS), holder.latest


def test_a_class_without_an_adapter_is_forecast_by_its_input_and_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ADAPTERS, NAME)
    runs = []
    counted = QwenImage21Transformer2DModel.forward
    monkeypatch.setattr(QwenImage21Transformer2DModel, "forward",
                        lambda *args, **kwargs: (runs.append(1), counted(*args, **kwargs))[1])
    stock, _ = picture(QWEN21_ROW)
    runs.clear()
    made, record = picture(QWEN21_ROW, interval=3)
    assert len(runs) == sum(e.full_calls for e in record.evaluations) == len(record.full_steps) <= STEPS / 2
    assert (made - stock).norm() < 0.1 * stock.norm()
    assert record.model == "QwenImage (input/output fallback)" and record.grid == (1, 2, 3)
    (said,) = record.fallbacks
    assert f"comfy.ldm.{NAME}," in said and f"at {ASK_AT}." in said
    assert said in report_text(record)


def test_nothing_is_asked_of_a_user_who_wants_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ADAPTERS, NAME)
    stock, _ = picture(QWEN21_ROW)
    made, record = picture(QWEN21_ROW, interval=1)
    assert torch.equal(made, stock)
    assert not any(ASK_AT in said for said in record.fallbacks)


def test_only_an_unknown_class_is_told_how_to_ask() -> None:
    assert "torch.nn.modules.linear.Linear" in how_to_ask(nn.Linear(1, 1))
    fallback = next(row for row in ALL_ROWS if row.name == "Stable Diffusion 1.5").build().diffusion_model
    assert isinstance(find_adapter(fallback), InOutAdapter) and how_to_ask(fallback) == ""
    assert how_to_ask(QWEN21_ROW.build().diffusion_model) == ""
