"""One sampling run: its histories, one per condition, and its record."""

import logging
import math
import threading
import time
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from ..engine.history import History
from ..engine.probe_channels import strided_probe
from ..engine.step import Forecast, full_step, skipped_step
from ..record.record import Evaluation, TapRecord, TokenChoices, candidate_names, settings_values
from ..schedule import Decision, Seen
from ..schedules.course import held_bytes, notes_of, start, why_none_is_skipped
from ..schedules.registry import schedule_name
from ..timeline import Timeline
from ..token_grid import Grid
from .drift import Drift
from .locality import processes, what_is_not_local
from .motion import Motion
from .settings import TapSettings
from .timer import StepTimer

log = logging.getLogger("tap")

SOMETHING_NEW = "A prompt, size, control or weight that came or changed in mid-run was computed in full once."
NO_NUMBERS = ("The model gave values that are no numbers (NaN or infinity). They were not kept, and the steps that "
              "would have been forecast from them were computed in full.")
OTHER_SIZE = ("This sampler changes the size of the picture in mid-run, where nothing can be forecast from what was "
              "before; every step was computed in full from there on. Choose another sampler.")


class TapRun:
    """Made when sampling starts and closed when it ends, however it ends.

    Per model evaluation: `begin`, then for each model call `can_forecast` and either `remember` or `forecast`
    per condition, then `finish`. Model calls of one evaluation may run in several threads, one a device.
    mixed: whether x is a mix of picture and noise, as a flow model's; None where only the sigmas tell.
    """

    def __init__(
        self, settings: TapSettings, sigmas: Sequence[float], model: str, mixed: bool | None = None
    ) -> None:
        self._lock = threading.RLock()
        self.settings = settings
        self.timeline = Timeline(tuple(float(s) for s in sigmas), settings.time_axis, mixed)
        self.pool, self.selector = settings.pool(), settings.selector()
        self.course = start(settings.schedule(), self.timeline)
        self.histories: dict[Hashable, History] = {}
        self.record = TapRecord(
            model=model,
            settings=settings_values(settings),
            sigmas=list(self.timeline.sigmas),
            candidates=candidate_names(self.pool.members),
        )
        self.motion = Motion(self.timeline)
        self.drift = Drift(self.motion) if settings.correction == "on" and self.course.skips_any else None
        self.decision, self.seen = Decision(full=True), Seen(0.0, 0.0)
        self.fell_back, self.shared = False, processes() > 1
        self._timers: list[StepTimer] = []
        self._started = time.perf_counter()
        self._note_beforehand()

    def begin(self, sigma: float, device: torch.device, x: Tensor | None = None) -> None:
        """A model evaluation of x [B, C, ...] at `sigma` starts: decide whether its step is computed or forecast."""
        after = self._evaluations[-1].position if self._evaluations else 0.0
        position = self.timeline.position(sigma, after)
        if self._evaluations and self.timeline.passes_over(after, position):
            self.fall_back("This sampler chooses its own steps, where a forecast would lead it astray; every step was "
                            "computed in full. Choose one that keeps to the sigmas it is given, such as euler or "
                            "dpmpp_2m.")
        if x is not None and self.seen.x is not None and x.shape != self.seen.x.shape:
            self.drift, self.motion = None, Motion(self.timeline)
            self.fall_back(OTHER_SIZE)
        if x is not None:
            self.motion.watch(x, position)
        self.seen = Seen(position, sigma, x)
        self.decision = Decision(full=True) if self.fell_back else self.course.before(self.seen)
        self._evaluations.append(Evaluation(position, sigma, self.decision.reason))
        self._timers.append(StepTimer(device))

    def finish(self, x: Tensor, denoised: Tensor) -> Tensor:
        """The model evaluation is over: the denoised picture to hand to the sampler. x, denoised: [B, C, ...]."""
        self._timers[-1].stop()
        now = self._now
        self.seen.x, self.seen.denoised, self.seen.full = x, denoised, now.full
        if not self.fell_back:
            self.course.after(self.seen)
        self._let_go()
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
        return not self.fell_back and not self.decision.full

    @property
    def wants_snapshot(self) -> bool:
        """Whether a full call at this evaluation should be captured."""
        # At sigma 0 the slope, by which the model's answer is known, is 0 / 0.
        return not self.fell_back and self.decision.remember and self.course.skips_any and self.seen.sigma > 0

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
            self.note(f"The schedule looks at the {asked} of the model, which TAP does not reach here; steps were "
                           "computed in full. Choose another schedule.")
            return False
        self.decision = self.course.in_call(self.seen)
        self._now.reason = self.decision.reason
        return not self.decision.full

    def can_forecast(self, keys: Sequence[Hashable], batch: int, tokens: int) -> bool:
        """Whether every condition has a history of `batch` x `tokens` tokens; if not, the report says why."""
        found = [self.histories.get(key) for key in keys]
        # Several processes stay in step even where one of them has values that are no numbers.
        if all(history is not None and history.fits(batch, tokens) and (self.shared or history.sound())
               for history in found):
            return True
        dropped = any(history is not None and not history.snapshots for history in found)
        self.note(NO_NUMBERS if dropped else SOMETHING_NEW)
        return False

    def remember(self, key: Hashable, probe: Tensor, target: Tensor) -> None:
        """Take what a full call showed of one condition. probe: [B, N, D], target: [B, N, C]; both may be kept."""
        probe = strided_probe(probe, self.settings.probe_stride)
        history = self.histories.get(key)
        if history is None or not history.fits(*probe.shape[:2]):
            history = self.histories[key] = History(self.pool.snapshots)
        foreseen, finite = self._foreseen(history, probe, target), _finite(probe) & _finite(target)
        if self.settings.cache_device == "cpu":
            probe, target = probe.cpu(), target.cpu()
        full_step(history, self._now.position, probe, target, finite, foreseen)

    def forecast(
        self, key: Hashable, condition: int, probe: Tensor, grid: Grid | None = None, truth: Tensor | None = None
    ) -> tuple[Tensor, TokenChoices]:
        """Target [B, N, C] of a skipped call for one condition, from its true probe [B, N, D], and who made it.

        grid: how the tokens lie. truth: the true target, where `wants_truth`.
        """
        history, probe = self.histories[key], strided_probe(probe, self.settings.probe_stride)
        share = history.trust.share if self.settings.trust == "learned" else None
        forecast = self._forecast(history, probe, grid, truth, share)
        orders = torch.tensor([p.order for p in self.pool.members], dtype=torch.int8)
        order = orders.to(probe.device, non_blocking=True)[forecast.choice.long()]
        order.clamp_(max=len(history.snapshots) - 1)
        return forecast.target, TokenChoices(condition, forecast.choice, order, forecast.loss)

    def _note_beforehand(self) -> None:
        """What is known before the first step of why steps will be computed in full."""
        schedule = self.settings.schedule()
        if self.wants_truth:
            self.note("The oracle computed every step to see which predictor is best; its times say nothing.")
        for note in notes_of(schedule, self.timeline, self.record.model):
            self.note(note)
        if self.shared:
            self._keep_in_step()
        if not self.course.skips_any and not self.settings.off:
            self.note(why_none_is_skipped(schedule, self.timeline.steps))

    def _keep_in_step(self) -> None:
        """Fall back where processes that share out the tokens of a picture could decide differently."""
        schedule = self.settings.schedule()
        reason = what_is_not_local(schedule, schedule_name(schedule), self.pool, self.selector)
        if reason:
            self.fall_back(f"Several processes work together here, and each may have a part of the picture. {reason} "
                            "Until then every step is computed in full, so that none waits for another for ever.")

    def _foreseen(self, history: History, probe: Tensor, target: Tensor) -> Forecast | None:
        """What would have been forecast of a full step, where trust is learned; None where it would say nothing."""
        learns = self.settings.trust == "learned" and len(history.snapshots) > 1
        if not learns or int(history.positions[0]) == int(self._now.position):
            return None
        grid = self.record.grid if math.prod(self.record.grid) == probe.shape[1] else None
        return self._forecast(history, probe, grid, target if self.wants_truth else None)

    def _forecast(
        self, history: History, probe: Tensor, grid: Grid | None, truth: Tensor | None, share: Tensor | None = None
    ) -> Forecast:
        return skipped_step(
            history, self._now.position, probe, self.pool, self.timeline, self.settings.proxy_loss, self.selector,
            grid, truth, share,
        )

    def count_call(self, skipped: bool, reason: str = "", choices: Sequence[TokenChoices] = ()) -> None:
        """A model call ended. reason: why it was computed although its step should have been skipped."""
        with self._lock:
            if skipped:
                self._now.add(choices, self.record.grid)
                self._now.skipped_calls += 1
                return
            self._now.full_calls += 1
            self._now.reason = reason or self._now.reason

    def fall_back(self, reason: str) -> None:
        """Compute everything in full from here on, and say why, once."""
        if not self.fell_back:
            self.fell_back = True
            self.note(reason)

    def note(self, reason: str) -> None:
        """Note why something ran in full; each reason once."""
        with self._lock:
            if reason in self.record.fallbacks:
                return
            self.record.fallbacks.append(reason)
        log.warning("TAP: %s", reason)

    def close(self, complete: bool) -> TapRecord:
        """Free the histories and complete the record; its maps move to the CPU."""
        self.histories.clear()
        self.record.complete = complete
        self.record.seconds_total = time.perf_counter() - self._started
        if self.drift is not None and not self.motion.plain and self.record.skipped_steps:
            self.record.fallbacks.append("Drift was not repaid: this sampler does more than plain steps.")
        if self._timers and not self._timers[-1].stopped:  # an evaluation that never ended shows nothing
            self._timers.pop()
            self._evaluations.pop()
        for evaluation, timer in zip(self._evaluations, self._timers, strict=True):
            evaluation.seconds = timer.seconds
            for choice in evaluation.choices:
                choice.member, choice.order, choice.loss = choice.member.cpu(), choice.order.cpu(), choice.loss.cpu()
        return self.record

    def _let_go(self) -> None:
        """Drop what no later step is forecast from: conditions that a full step no longer had."""
        if self.fell_back:
            self.histories.clear()
        elif self._now.full and not self._now.skipped_calls and self.wants_snapshot:
            self.histories = {key: history for key, history in self.histories.items()
                              if history.positions[0] == self._now.position}

    @property
    def _evaluations(self) -> list[Evaluation]:
        return self.record.evaluations

    @property
    def _now(self) -> Evaluation:
        return self._evaluations[-1]


def _finite(values: Tensor) -> Tensor:
    """Whether all are numbers, a boolean scalar on the device; the extremes tell, and take no memory."""
    low, high = values.aminmax()
    return low.isfinite() & high.isfinite()
