"""Seconds of a piece of work, on a device that may run later than Python."""

import time

import torch


class StepTimer:
    """Times one model evaluation without waiting for the device; read `seconds` when the run is over."""

    def __init__(self, device: torch.device) -> None:
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if device.type == "cuda" else None
        self._start = self._mark(0)
        self._end: float | None = None

    def stop(self) -> None:
        """The work ends."""
        self._end = self._mark(1)

    @property
    def stopped(self) -> bool:
        """Whether the work has ended."""
        return self._end is not None

    @property
    def seconds(self) -> float:
        """Seconds that the work took, 0 if it never ended; on CUDA this waits for the device."""
        if self._end is None:
            return 0.0
        if self._events is None:
            return self._end - self._start
        self._events[1].synchronize()
        return self._events[0].elapsed_time(self._events[1]) / 1000

    def _mark(self, event: int) -> float:
        if self._events is not None:
            self._events[event].record()
        return time.perf_counter()
