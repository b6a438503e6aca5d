"""MagCache: full when the known changes of the residual's length have added up to too much."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import TapError
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline
from .adaptive import check_number
from .model_tables import MAGNITUDES


@dataclass(frozen=True)
class MagCacheSchedule(Schedule):
    """Skip while sum |1 - prod gamma| <= threshold, gamma_s: mean of |r_s| / |r_{s-1}|, measured once per model.

    Ma et al. 2025 (MagCache, arXiv 2506.09045), its FLUX code: sum and product start anew at every full step, at most
    `max_skip` skips in a row (0: no limit), the first `retention` share of the run full. The ratios are known
    before the run, and therefore the steps too.
    ratios: gamma of each step of the measured run, 1 for its first; runs of other lengths take the nearest entry.
    always: entries that its FLUX code never skips.
    """

    threshold: float = 0.24
    max_skip: int = 5
    retention: float = 0.1
    ratios: tuple[float, ...] = MAGNITUDES["FLUX"].ratios
    always: tuple[int, ...] = MAGNITUDES["FLUX"].always

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold)
        check_number("retention", self.retention)
        check_number("max_skip", self.max_skip)
        if not self.ratios or not all(ratio > 0 for ratio in self.ratios):
            raise TapError("MagCache needs magnitude ratios above 0, one for each step of the measured run.")

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step."""
        return self._decisions(timeline.steps)[step]

    @lru_cache(maxsize=8)  # noqa: B019  a handful of small frozen schedules
    def _decisions(self, steps: int) -> Sequence[Decision]:
        start = max(int(self.retention * steps + 0.5), 1)
        decisions = [Decision(full=True, reason="retention")] * min(start, steps)
        product, error, skipped = 1.0, 0.0, 0
        for step in range(start, steps):
            entry = nearest_entry(step, steps, len(self.ratios))
            product *= self.ratios[entry]
            error += abs(1 - product)
            skipped += 1
            allowed = self.max_skip == 0 or skipped <= self.max_skip
            if error <= self.threshold and allowed and entry not in self.always and self.threshold > 0:
                decisions.append(SKIP)
            else:
                decisions.append(Decision(full=True, reason="magnitude changed"))
                product, error, skipped = 1.0, 0.0, 0
        return decisions


def nearest_entry(step: int, steps: int, entries: int) -> int:
    """Index, in a table of a run with `entries` steps, for `step` of a run with `steps` steps."""
    return entries - 1 if steps == 1 else round(step * (entries - 1) / (steps - 1))
