"""Full steps where a calibration found that they help most, moved by noise level to runs of other lengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..noise_level import mixes, noise_level
from ..schedule import SKIP, Decision, Schedule
from ..timeline import Timeline, same_sigmas
from .budget import Budget
from .text import Calibration

# Mean distance between the noise levels of two runs, at equal shares of their steps, above which a placement of one
# says little about the other: twice the distance between shifts 1 and 1.5.
TOO_DIFFERENT = 0.1


@dataclass(frozen=True)
class CalibratedSchedule(Schedule):
    """Computes the steps of the calibration's line that fits the budget."""

    calibration: Calibration
    budget: Budget

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped at this step."""
        return Decision(full=True, reason="calibrated") if step in self.places(timeline) else SKIP

    @lru_cache(maxsize=8)  # noqa: B019  a handful of small frozen schedules
    def places(self, timeline: Timeline) -> tuple[int, ...]:
        """The full steps of a run with this timeline."""
        line = self.calibration.line(self.budget.calls_of(timeline.steps))
        if self._is_for(timeline):
            return line.full
        return remapped(line.full, self.calibration.sigmas, timeline.sigmas)

    def _is_for(self, timeline: Timeline) -> bool:
        """Whether a run has the sigmas of the measured run, or those that were moved to fit its placement."""
        moved = self.calibration.sigmas_for(self.budget.calls_of(timeline.steps))
        return any(same_sigmas(sigmas, timeline.sigmas) for sigmas in (self.calibration.sigmas, moved))

    def notes(self, timeline: Timeline, model: str) -> list[str]:
        """What the report has to say about a run of this model."""
        source, notes = self.calibration, []
        if not self._is_for(timeline):
            steps = f"{timeline.steps} step{'s' * (timeline.steps != 1)}"
            steps += " with other sigmas" * (timeline.steps == source.steps)
            moved = f"The placement, calibrated on {source.steps} steps, was moved to {steps} by noise level."
            if sigma_distance(source.sigmas, timeline.sigmas) > TOO_DIFFERENT:
                moved += " It may not fit: scheduler or shift differ much. Calibrate on this run."
            notes.append(moved)
        if family(model) != family(source.model):
            notes.append(f"The placement was calibrated on {source.model} and used on {model}: it may not fit. "
                         "Calibrate on this model.")
        return notes

    def why_none(self, timeline: Timeline) -> str:
        """Why nothing is skipped."""
        return (f"The placement has {len(self.places(timeline))} computed steps, and the run has no more than that. "
                "Set a smaller budget, or sample more steps.")

    def __str__(self) -> str:
        """Its value in a report."""
        return f"calibrated, budget {self.budget}"


def family(model: str) -> str:
    """The name of a model without the part in brackets."""
    return model.partition("(")[0].strip()


def remapped(full: Sequence[int], source: Sequence[float], target: Sequence[float]) -> tuple[int, ...]:
    """The steps of another run with the nearest noise levels, each once; the first step, and the last if it was full.

    source, target: sigmas of the runs, one more than their steps.
    """
    last = len(target) - 2
    count = min(len(full), last + 1)
    kept = list(full) if count == len(full) else [full[round(i * (len(full) - 1) / max(count - 1, 1))]
                                                   for i in range(count)]
    places = [0]
    for i, step in enumerate(kept[1:], start=1):
        wanted = last if step == len(source) - 2 else _nearest(source[step], target)
        places.append(min(max(wanted, places[-1] + 1), last - (count - 1 - i)))
    return tuple(places)


def sigma_distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Mean distance of noise levels, 0 to 1, at equal shares of the steps of two runs."""
    shares = [i / 20 for i in range(21)]
    levels = [[noise_level(_at(sigmas, share), mixes(sigmas)) for share in shares] for sigmas in (one, other)]
    return sum(abs(a - b) for a, b in zip(*levels, strict=True)) / len(shares)


def _nearest(sigma: float, target: Sequence[float]) -> int:
    return min(range(len(target) - 1), key=lambda step: abs(target[step] - sigma))


def _at(sigmas: Sequence[float], share: float) -> float:
    place = share * (len(sigmas) - 1)
    left = min(int(place), len(sigmas) - 2)
    return sigmas[left] + (sigmas[left + 1] - sigmas[left]) * (place - left)
