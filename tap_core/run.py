"""One sampling run: its histories, one per condition, and its record."""

import logging
import time
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from .drift import Drift
from .history import History
from .motion import Motion
from .record import Evaluation, TapRecord, TokenChoices, candidate_names, settings_values
from .schedule import Decision, Seen, held_bytes, start
from .schedules.calibrated import CalibratedSchedule
from .settings import TapSettings
from .step import full_step, skipped_step
from .timeline import Timeline
from .timer import StepTimer

log = logging.getLogger("tap")


class TapRun:
    """Made when sampling starts and closed when it ends, however it ends.

    Per model evaluation: `begin`, then for each model call `can_forecast` and either `remember` or `forecast`
    per condition, then `finish`.
    """

    def __init__(self, settings: TapSettings, sigmas: Sequence[float], model: str) -> None:
        self.settings = settings
        self.timeline = Timeline(tuple(float(s) for s in sigmas), settings.time_axis)
        self.pool, self.selector = settings.pool(), settings.selector()
        schedule = settings.schedule()
        self.course = start(schedule, self.timeline)
        self.histories: dict[Hashable, History] = {}
        self.record = TapRecord(
            model=model,
            settings=settings_values(settings),
            sigmas=list(self.timeline.sigmas),
            candidates=candidate_names(self.pool),
        )
        if self.wants_truth:
            self.fall_back("The oracle computed every step to see which predictor is best; its times say nothing.")
        for note in schedule.notes(self.timeline, model) if isinstance(schedule, CalibratedSchedule) else ():
            self.fall_back(note)
        self.motion = Motion(self.timeline)
        self.drift = Drift(self.motion) if settings.correction == "on" and self.course.skips_any else None
        self.decision, self.seen = Decision(full=True), Seen(0.0, 0.0)
        self.aside = False
        self._timers: list[StepTimer] = []
        self._choices: list[TokenChoices] = []  # of the model call under way; they count if its forecast is put back
        self._started = time.perf_counter()

    def begin(self, sigma: float, device: torch.device, x: Tensor | None = None) -> None:
        """A model evaluation of x [B, C, ...] at `sigma` starts: decide whether its step is computed or forecast."""
        after = self._evaluations[-1].position if self._evaluations else 0.0
        position = self.timeline.position(sigma, after)
        if x is not None:
            self.motion.watch(x)
        self.seen = Seen(position, sigma, x)
        self.decision = self.course.before(self.seen)
        self._evaluations.append(Evaluation(position, sigma, self.decision.reason))
        self._timers.append(StepTimer(device))

    def finish(self, x: Tensor, denoised: Tensor) -> Tensor:
        """The model evaluation is over: the denoised picture to hand to the sampler. x, denoised: [B, C, ...]."""
        self._timers[-1].stop()
        now = self._now
        self.seen.x, self.seen.denoised, self.seen.full = x, denoised, now.full
        self.course.after(self.seen)
        held = sum(history.nbytes for history in self.histories.values()) + held_bytes(self.course)
        self.record.cache_bytes = max(self.record.cache_bytes, held)
        if self.drift is not None:
            denoised = self.drift.repay(x, denoised, now.sigma, now.position, full=now.skipped_calls == 0)
        self.motion.expect(x, denoised, now.sigma, now.position)
        return denoised

    @property
    def evaluating(self) -> bool:
        """Whether a model evaluation is under way."""
        return bool(self._timers) and not self._timers[-1].stopped

    @property
    def wants_skip(self) -> bool:
        """Whether the current evaluation's blocks should be skipped."""
        return not self.aside and not self.decision.full

    @property
    def wants_snapshot(self) -> bool:
        """Whether a full call at this evaluation should be captured."""
        return not self.aside and self.decision.remember and self.course.skips_any

    @property
    def wants_truth(self) -> bool:
        """Whether a skipped call is to be computed all the same, to choose its forecasts by it."""
        return self.selector.by_truth

    @property
    def asks(self) -> str:
        """What the current call has to show before its skip stands, see `Decision`; "" if nothing."""
        return self.decision.asks if self.wants_skip else ""

    def show(self, **shown: Tensor | None) -> None:
        """What a model call shows, by the names of `Seen`; the first call of an evaluation shows it to the schedule."""
        for name in self.course.needs & shown.keys():
            if getattr(self.seen, name) is None:
                setattr(self.seen, name, shown[name])

    @property
    def verify(self) -> Tensor | None:
        """A forecast of the last block's input [B, M, D] for the first skipped call to run that block on."""
        return self.decision.verify if self.wants_skip and self.seen.last_output is None else None

    @property
    def approximation(self) -> Tensor | None:
        """The denoised picture that takes the place of all model calls of this evaluation."""
        return self.decision.denoised if self.wants_skip else None

    def skip_stands(self) -> bool:
        """Whether the skip stands, now that what was asked for is shown; later calls of this evaluation follow."""
        asked = self.decision.asks
        if getattr(self.seen, asked) is None:
            self.decision = Decision(full=True, reason=f"no {asked} to look at")
            self.fall_back(f"The schedule looks at the {asked} of the model, which TAP does not reach here; steps were "
                           "computed in full. Choose another schedule.")
            return False
        self.decision = self.course.in_call(self.seen)
        self._now.reason = self.decision.reason
        return not self.decision.full

    def can_forecast(self, keys: Sequence[Hashable], batch: int, tokens: int) -> bool:
        """Whether every condition has a history of `batch` x `tokens` tokens."""
        return all(key in self.histories and self.histories[key].fits(batch, tokens) for key in keys)

    def remember(self, key: Hashable, probe: Tensor, target: Tensor) -> None:
        """Take what a full call showed of one condition. probe: [B, N, D], target: [B, N, C]; both are kept."""
        if self.settings.cache_device == "cpu":
            probe, target = probe.cpu(), target.cpu()
        history = self.histories.get(key)
        if history is None or not history.fits(*probe.shape[:2]):
            history = self.histories[key] = History(self.pool.snapshots)
        full_step(history, self._now.position, probe, target)

    def forecast(self, key: Hashable, condition: int, probe: Tensor, truth: Tensor | None = None) -> Tensor:
        """Target [B, N, C] of a skipped call for one condition, from its true probe [B, N, D].

        truth: the true target, where `wants_truth`.
        """
        history = self.histories[key]
        forecast = skipped_step(
            history, self._now.position, probe, self.pool, self.timeline, self.settings.proxy_loss,
            self.selector, self.record.grid, truth,
        )
        orders = torch.tensor([p.order for p in self.pool.members], dtype=torch.int8)
        order = orders.to(probe.device, non_blocking=True)[forecast.choice.long()]
        order.clamp_(max=len(history.snapshots) - 1)
        self._choices.append(TokenChoices(condition, forecast.choice, order, forecast.loss))
        if "loss" in self.course.needs:
            seen = self.seen.loss
            self.seen.loss = forecast.loss if seen is None else torch.cat([seen, forecast.loss])
        return forecast.target

    def count_call(self, skipped: bool, reason: str = "") -> None:
        """A model call ended. reason: why it was computed although its step should have been skipped."""
        choices, self._choices = self._choices, []
        if skipped:
            self._now.choices += choices
            self._now.skipped_calls += 1
            return
        self._now.full_calls += 1
        self._now.reason = reason or self._now.reason

    def step_aside(self, reason: str) -> None:
        """Compute everything in full from here on, and say why, once."""
        if not self.aside:
            self.aside = True
            self.histories.clear()
            self.fall_back(reason)

    def fall_back(self, reason: str) -> None:
        """Note why something ran in full; each reason once."""
        if reason not in self.record.fallbacks:
            self.record.fallbacks.append(reason)
            log.warning("TAP: %s", reason)

    def close(self, complete: bool) -> TapRecord:
        """Free the histories and complete the record; its maps move to the CPU."""
        self.histories.clear()
        self.record.complete = complete
        self.record.seconds_total = time.perf_counter() - self._started
        if self.drift is not None and not self.motion.plain:
            self.record.fallbacks.append("Drift was not repaid: this sampler does more than plain steps.")
        if self._timers and not self._timers[-1].stopped:  # an evaluation that never ended shows nothing
            self._timers.pop()
            self._evaluations.pop()
        for evaluation, timer in zip(self._evaluations, self._timers, strict=True):
            evaluation.seconds = timer.seconds
            for choice in evaluation.choices:
                choice.member, choice.order, choice.loss = choice.member.cpu(), choice.order.cpu(), choice.loss.cpu()
        return self.record

    @property
    def _evaluations(self) -> list[Evaluation]:
        return self.record.evaluations

    @property
    def _now(self) -> Evaluation:
        return self._evaluations[-1]
