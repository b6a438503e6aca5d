"""The newest full step again."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..timeline import Timeline
from .weight_row import padded


@dataclass(frozen=True)
class Reuse:
    """forecast = F_0, as FORA (arXiv 2407.01425), TeaCache (2411.19108) and MagCache (2506.09045) do when they skip."""

    family: str = "reuse"
    order: int = 0
    horizon: float = 0.0
    snapshots: int = 1

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float]:
        """Weights newest first: all on the newest."""
        return padded([1.0], past)
