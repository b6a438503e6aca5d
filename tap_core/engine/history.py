"""The last full steps of one condition, as kept for forecasts."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..predictors.on_processor import to_processor
from .probe_dots import HistoryDots, history_dots
from .trust import Trust


@dataclass(frozen=True)
class Snapshot:
    """Probe and target of one full step.

    position: step index, fractional between steps. probe: [B, N, D], target: [B, N, C], in the model's dtype.
    finite: whether all values of both are finite, a scalar, on the device until it is read; None once they are known
    to be. away: whether it was moved to the CPU, as the device has to hold less.
    """

    position: float
    probe: Tensor
    target: Tensor
    finite: Tensor | None = None
    away: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of both."""
        return self.probe.nbytes + self.target.nbytes

    def moved_away(self) -> "Snapshot":
        """The same on the CPU."""
        return replace(self, probe=to_processor(self.probe), target=to_processor(self.target), away=True)


class History:
    """The last `length` full steps of one condition, newest first."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.snapshots: list[Snapshot] = []
        self.trust = Trust()
        self._dots: tuple[torch.device, HistoryDots] | None = None

    def push(self, newest: Snapshot) -> None:
        """Put `newest` first; it replaces a snapshot of the same step, or else the oldest one is dropped.

        Some samplers evaluate a step twice, at one sigma or half a step apart: differences over such a short gap
        become very large when they are extrapolated over a long one.
        """
        kept = [s for s in self.snapshots if int(s.position) != int(newest.position)]
        self.snapshots = [newest, *kept][: self.length]
        self._dots = None

    def trim(self, count: int) -> None:
        """Keep the newest `count` snapshots only."""
        if count < len(self.snapshots):
            self.snapshots, self._dots = self.snapshots[: max(count, 0)], None

    def move_away(self, room: int) -> None:
        """Move the oldest snapshots to the CPU, so that at most `room` bytes stay on the device."""
        kept = []
        for snapshot in self.snapshots:
            room -= 0 if snapshot.away else snapshot.nbytes
            if room < 0 and not snapshot.away:
                snapshot = snapshot.moved_away()
            kept.append(snapshot)
        self.snapshots = kept

    def fits(self, batch: int, tokens: int) -> bool:
        """Whether a forecast from this history has `batch` x `tokens` tokens."""
        return bool(self.snapshots) and self.snapshots[0].probe.shape[:2] == (batch, tokens)

    def sound(self) -> bool:
        """Whether all kept values are finite; if not, everything is dropped. Waits for what `tell` did not tell."""
        if all(s.finite is None or bool(s.finite) for s in self.snapshots):
            self.snapshots = [replace(s, finite=None) for s in self.snapshots]
            return True
        self.snapshots, self._dots = [], None
        return False

    def tell(self, snapshot: Snapshot, finite: Tensor) -> None:
        """What was read of a snapshot's `finite`, on the processor."""
        known = replace(snapshot, finite=None if finite else finite)
        self.snapshots = [known if each is snapshot else each for each in self.snapshots]

    @property
    def positions(self) -> list[float]:
        """Step positions, newest first."""
        return [s.position for s in self.snapshots]

    @property
    def probes(self) -> list[Tensor]:
        """Probes [B, N, D], newest first."""
        return [s.probe for s in self.snapshots]

    @property
    def targets(self) -> list[Tensor]:
        """Targets [B, N, C], newest first."""
        return [s.target for s in self.snapshots]

    @property
    def nbytes(self) -> int:
        """Bytes of the snapshots."""
        return sum(s.nbytes for s in self.snapshots)

    @property
    def device_bytes(self) -> int:
        """Bytes of the snapshots that were not moved away."""
        return sum(s.nbytes for s in self.snapshots if not s.away)

    def dots(self, device: torch.device) -> HistoryDots:
        """Dots of the probes among themselves, on `device`; they change only at a full step."""
        if self._dots is None or self._dots[0] != device:
            self._dots = device, history_dots(self.probes, device)
        return self._dots[1]
