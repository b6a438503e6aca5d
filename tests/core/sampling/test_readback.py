"""What a run reads from its device at once."""

from __future__ import annotations

import torch
from tap_pack.tap_core.sampling.readback import Readback
from torch import Tensor


def test_everyone_gets_what_was_asked_for_in_its_shape() -> None:
    readback, got = Readback(), []
    asked = [torch.tensor(True), torch.tensor([[0.25, 3.0], [1e-6, 2.0]]), torch.tensor(7.0)]
    for values in asked:
        readback.ask(values, got.append)
    readback.read()
    assert [each.shape for each in got] == [each.shape for each in asked]
    assert all(torch.equal(each, values.float()) for each, values in zip(got, asked, strict=True))
    readback.read()
    assert len(got) == 3


def test_nothing_is_read_after_a_run() -> None:
    readback = Readback()

    def never(values: Tensor) -> None:
        raise AssertionError(values)

    readback.ask(torch.tensor(1.0), never)
    readback.clear()
    readback.read()
