"""A run that records a trace: computed in full, or skipping, with each skipped step computed beside its forecast."""

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ....tap_core.calibrate.trace import Trace, Track
from ....tap_core.record.record import TokenChoices
from ....tap_core.sampling.pool_settings import PoolSettings
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import TapSettings
from ....tap_core.schedule import AdaptiveSchedule, AnySchedule, Course, Decision, Seen
from ....tap_core.timeline import Timeline
from ....tap_core.token_grid import Grid
from .second_model import ALONE
from .wrappers import TapPatch, guidance_of, mixes_noise, sigma_of_share

# ComfyUI's own, which add up cfg of the positive prompt and 1 - cfg of the negative.
USUAL_GUIDERS = ("CFGGuider", "Guider_Basic")

log = logging.getLogger("tap")


class EveryStep(AdaptiveSchedule, Course):
    """Computes every step and captures it."""

    local = True
    plan = "every step is computed, to be measured"

    def start(self, timeline: Timeline) -> "EveryStep":
        """It has no state."""
        return self

    def before(self, seen: Seen) -> Decision:
        """Full."""
        return Decision(full=True, reason="measured")


class MeasuringRun(TapRun):
    """Computes every step and keeps a trace. usual: whether the guider adds up its prompts as most do.

    With a schedule that skips, the picture moves along the forecasts, and the trace holds what the model would have
    answered there.
    """

    def __init__(self, settings: TapSettings, sigmas: Sequence[float], model: str, mixed: bool | None,
                 guidance: float | None, usual: bool, sigma_of_share: Callable[[float], float] | None = None) -> None:
        super().__init__(settings, sigmas, model, mixed, guidance, sigma_of_share)
        self._guidance = (1.0 if guidance is None else guidance) if usual else None
        self._skips = not isinstance(self.schedule, EveryStep)
        self.forecaster.wants_truth = self._skips
        if not usual:
            self.notes.note("This guider combines its prompts in its own way; a calibration counts them equally.")
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
        track = self._tracks.setdefault(key, Track(self._share(key)))
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
        alike = Counter(map(self._shared_by, tracks))
        conditions = (replace(track.close(), share=track.share / alike[self._shared_by(key)])
                      for key, track in tracks.items())
        line = self.standing.line(self.motion.renewed, self.motion.turned)
        # A run of its own, which no other one checks, cannot tell a sampler's memory from noise by motion.noisy.
        return Trace(
            self.record.model, self.settings.target, self.timeline.sigmas, tuple(conditions),
            tuple(torch.stack(self._moved).tolist()) if self._moved else (), line.noisy, self.timeline.mixes,
            tuple(self.record.full_steps) if self._skips else (), picture=float(self._picture), line=line,
            starts_twice=sum(each.step == 0 for each in self.record.evaluations) > 1,
        )

    def _shared_by(self, key: Hashable) -> Hashable:
        """Conditions with the same of this share a part of the guided picture: prompt and frames, see ConditionKeys."""
        return key[2] if self._guidance is None else key[1:3]

    def _share(self, key: Hashable) -> float:
        """A key is made by ConditionKeys: its second entry is 0 for the positive, 1 for the negative."""
        if self._guidance is None:
            return 1.0
        return self._guidance if key[1] == 0 else 1 - self._guidance


class TraceHolder:
    """Holds the trace of the latest run of TAP Measure Run; the node makes the holder before there is a run.

    It is emptied when a run starts, so that no calibration uses an older trace.
    """

    def __init__(self) -> None:
        self.latest: Trace | None = None
        self.why_none = ""

    def clear(self) -> None:
        """A run starts."""
        self.latest, self.why_none = None, ""


class MeasuringPatch(TapPatch):
    """The wrappers of one TAP Measure Run node; `holder` gets the trace of its latest run."""

    def __init__(
        self, target: str, holder: TraceHolder, schedule: AnySchedule | None = None,
        pool: PoolSettings | None = None,
    ) -> None:
        correction = "off" if schedule is None else "on"
        given = {"given_schedule": schedule or EveryStep(), "given_pool": pool}
        super().__init__(TapSettings(target=target, correction=correction, **given), holder)

    def make_run(self, sigmas: Sequence[float], model: str, guider: object) -> MeasuringRun:
        """The run, which knows how much each condition counts."""
        usual = type(guider).__name__ in USUAL_GUIDERS
        return MeasuringRun(self.settings, sigmas, model, mixes_noise(guider), guidance_of(guider), usual,
                            sigma_of_share(guider))

    def end(self, run: MeasuringRun, complete: bool) -> None:
        """Put the trace of a complete run into the holder, or the reason why there is none."""
        trace = run.trace() if complete else None
        record = run.close(complete)
        self.holder.latest = trace
        if trace is None:
            odd = "This sampler does not evaluate every step at its own noise level; choose another, such as euler."
            self.holder.why_none = " ".join(record.fallbacks) or (odd if complete else "The run was interrupted.")
            log.warning("TAP: nothing was measured. %s", self.holder.why_none)
            return
        log.info("TAP: %d steps measured in %.1f s; trace %.1f MB", trace.steps, record.seconds_total,
                 trace.nbytes / 1e6)

    def followed(self, *_: object) -> None:
        """Only the guider's first model is measured."""
        self.passed_by("")

    def passed_by(self, model: str) -> None:
        """This model runs beside the first one."""
        self.holder.why_none = ALONE
