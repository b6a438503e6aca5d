"""DiCache: full when the first block's output has changed enough since the last full step."""

from dataclasses import dataclass

from torch import Tensor

from ..schedule import SKIP, Decision, Seen
from ..timeline import Timeline
from .adaptive import Accumulator, AdaptiveCourse, AdaptiveSettings, check_number, relative_change


@dataclass(frozen=True)
class DiCacheSchedule(AdaptiveSettings):
    """Skip while sum_s change_s < threshold; a refused skip goes on from the first block, which runs in any case.

    Bu et al. 2025 (DiCache, arXiv 2508.17356), its FLUX code: with q the first block's output and x its input at
    every step, change = mean|q_s - q_{s-1}| / mean|q_{s-1}|, threshold 0.4, the first fifth of the run and the
    step after it full; with `difference` it is |that - the same of x|, threshold 0.08. `retention`: that share of the
    run.
    """

    threshold: float = 0.4
    retention: float = 0.2
    difference: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("threshold", self.threshold)
        check_number("retention", self.retention)

    def start(self, timeline: Timeline) -> AdaptiveCourse:
        """Its course through a run."""
        return DiCacheCourse(self, timeline)


class DiCacheCourse(AdaptiveCourse):
    """Keeps the first block's latest input and output, and the accumulated change."""

    needs = frozenset({"block", "stream"})

    def __init__(self, settings: DiCacheSchedule, timeline: Timeline) -> None:
        super().__init__(settings, timeline)
        self._block: Tensor | None = None
        self._stream: Tensor | None = None
        self._sum = Accumulator(settings.threshold)

    def choose(self, seen: Seen) -> Decision:
        """Full in the first part of the run, then ask for the first block."""
        if int(seen.position) <= int(self.settings.retention * self.timeline.steps):
            return Decision(full=True, reason="retention")
        return Decision(full=False, asks="block")

    def in_call(self, seen: Seen) -> Decision:
        """Full once the change has added up."""
        change = relative_change(seen.block, self._block)
        if self.settings.difference:
            change = abs(change - relative_change(seen.stream, self._stream))
        return SKIP if self._sum.passes(change) else Decision(full=True, reason="first block changed")

    def learn(self, seen: Seen) -> None:
        """Keep the first block of every step."""
        if seen.full:
            self._sum.reset()
        if seen.block is not None:
            self._block, self._stream = seen.block, seen.stream
