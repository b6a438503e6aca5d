"""How the models that studies share are sampled."""

from __future__ import annotations

import torch

from models.stage import CallCounter


def test_calls_are_counted_once_an_evaluation():
    counter = CallCounter()
    for sigma in (1.0, 1.0, 0.5, 0.25, 0.25):  # two conditions, together and apart
        counter._count(lambda x, timestep: x, torch.zeros(1), torch.tensor([sigma]))
    assert counter.calls == 3
