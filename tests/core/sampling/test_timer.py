"""Seconds of evaluations, also of those that never ended."""

from __future__ import annotations

import time

import pytest
import torch
from tap_pack.tap_core.sampling.timer import StepTimer


class FakeEvent:
    """A CUDA event that, like the real one, gives no time unless both were recorded."""

    def __init__(self, enable_timing: bool) -> None:
        self.at: float | None = None

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, end: FakeEvent) -> float:
        if self.at is None or end.at is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return 1000 * (end.at - self.at)


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    return torch.device(request.param)


def test_it_times_what_is_between(device: torch.device) -> None:
    timer = StepTimer(device)
    time.sleep(0.01)
    timer.stop()
    seconds = timer.seconds
    time.sleep(0.01)
    assert timer.seconds == seconds >= 0.01


def test_an_evaluation_that_never_ended_takes_no_time(device: torch.device) -> None:
    assert StepTimer(device).seconds == 0
