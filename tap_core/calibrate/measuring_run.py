"""A run that records a trace: computed in full, or skipping, with each skipped step computed beside its forecast."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from ..record.record import TokenChoices
from ..sampling.run import TapRun
from ..sampling.settings import TapSettings
from ..token_grid import Grid
from .every_step import EveryStep
from .trace import Trace, Track


class Shares(Protocol):
    """How much each condition counts in the guided picture."""

    def of(self, key: Hashable) -> float:
        """The share of the part of the picture that the condition with this key belongs to."""
        ...

    def part(self, key: Hashable) -> Hashable:
        """Conditions with the same of this share a part of the guided picture."""
        ...


class MeasuringRun(TapRun):
    """Computes every step and keeps a trace.

    With a schedule that skips, the picture moves along the forecasts, and the trace holds what the model would have
    answered there.
    """

    def __init__(
        self, settings: TapSettings, sigmas: Sequence[float], model: str, mixed: bool | None, guidance: float | None,
        shares: Shares, sigma_of_share: Callable[[float], float] | None = None,
    ) -> None:
        super().__init__(settings, sigmas, model, mixed, guidance, sigma_of_share)
        self._shares = shares
        self._skips = not isinstance(self.schedule, EveryStep)
        self.forecaster.wants_truth = self._skips
        self._tracks: dict[Hashable, Track] = {}
        self._latest: Tensor | None = None
        self._moved: list[Tensor] = []
        self._picture = torch.tensor(torch.nan)
        self._steps: set[int] = set()

    def remember(self, key: Hashable, probe: Tensor, target: Tensor) -> None:
        """Record one condition of a full call; it is kept for forecasts only if there will be any."""
        self._record(key, probe, target)
        if self._skips:
            super().remember(key, probe, target)

    def forecast(
        self, key: Hashable, condition: int, probe: Tensor, grid: Grid | None = None, truth: Tensor | None = None
    ) -> tuple[Tensor, TokenChoices]:
        """Record what the model would have answered [B, N, C], and forecast as if it were not known."""
        if truth is not None:
            self._record(key, probe, truth)
        return super().forecast(key, condition, probe, grid)

    def _record(self, key: Hashable, probe: Tensor, target: Tensor) -> None:
        """A sampler's second evaluations within a step are left out."""
        step = int(self.decider.seen.position)
        if step != self.decider.seen.position:
            return
        track = self._tracks.setdefault(key, Track(self._shares.of(key)))
        if step not in track.steps:
            track.add(step, probe, target)

    def finish(self, x: Tensor, denoised: Tensor) -> None:
        """The model evaluation is over."""
        step = int(self.decider.seen.position)
        if step == self.decider.seen.position and step not in self._steps and not self.notes.fell_back:
            slope = (x - denoised) / max(self.decider.seen.sigma, 1e-6)
            if self._latest is not None:
                self._moved.append((slope - self._latest).abs().mean(dtype=torch.float32))
            self._latest = slope
            if step == self.timeline.steps - 1:
                self._picture = denoised.float().square().mean()
            self._steps.add(step)
        super().finish(x, denoised)

    def trace(self) -> Trace | None:
        """The trace of the run; None if no condition was recorded at every step."""
        tracks = {key: track for key, track in self._tracks.items() if len(track.steps) == self.timeline.steps}
        if not tracks:
            return None
        alike = Counter(map(self._shares.part, tracks))
        conditions = (replace(track.close(), share=track.share / alike[self._shares.part(key)])
                      for key, track in tracks.items())
        line = self.standing.line(self.motion.renewed, self.motion.turned)
        # A run of its own, which no other one checks, cannot tell a sampler's memory from noise by motion.noisy.
        return Trace(
            self.record.model, self.settings.target, self.timeline.sigmas, tuple(conditions),
            tuple(torch.stack(self._moved).tolist()) if self._moved else (), line.noisy, self.timeline.mixes,
            tuple(self.record.full_steps) if self._skips else (), picture=float(self._picture), line=line,
            starts_twice=sum(each.step == 0 for each in self.record.evaluations) > 1,
        )
