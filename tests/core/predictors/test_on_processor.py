"""Tensors that are kept on the processor, and come back to their device."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.predictors.on_processor import to_device, to_processor
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode


def test_what_is_on_the_processor_stays_as_it_is() -> None:
    values = torch.ones(3)
    assert to_processor(values) is values and to_device(values, torch.device("cpu")) is values


def test_a_copy_is_in_one_piece() -> None:
    """Another one would be put together on the processor, before its values are there."""
    with FakeTensorMode():
        kept = to_processor(torch.ones(4, 6, dtype=torch.bfloat16, device="cuda").t()[1:])
    assert (kept.device.type, kept.shape, kept.dtype) == ("cpu", (5, 4), torch.bfloat16) and kept.is_contiguous()


def test_where_nothing_can_be_pinned_it_is_copied_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> Tensor:
        raise RuntimeError("CUDA error: out of memory")

    with FakeTensorMode():
        values = torch.ones(3, device="cuda")
        monkeypatch.setattr(torch, "empty", refuses)
        assert to_processor(values).device.type == "cpu"


def test_nothing_is_pinned_for_other_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a Mac's graphics, a copy that is not waited for could be read too early."""
    with FakeTensorMode():
        values = torch.ones(3, device="xpu")
        monkeypatch.setattr(torch, "empty", lambda *_, **__: pytest.fail("memory was pinned"))
        assert to_processor(values).device.type == "cpu"
