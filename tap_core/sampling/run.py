"""One sampling run, from its first model evaluation to its record."""

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from ..engine.probe_channels import strided_probe
from ..engine.step import full_step
from ..record.record import Evaluation, TapRecord, TokenChoices, candidate_names
from ..record.settings_values import settings_values
from ..schedule import Decision, Seen
from ..schedules.course import why_none_is_skipped
from ..timeline import Timeline
from ..token_grid import Grid
from .decider import Decider
from .drifts import NOT_REPAID, REPAID, UNDER_NOISE
from .forecaster import Forecaster
from .latents import NO_ROOM, Latents
from .levels import NO_QUALITY, SEVERAL_LATENTS, Levels
from .locality import SHARED, SHARED_QUALITY, processes, why_not_shared
from .memory import Memory, finite
from .motion import Motion
from .notes import Notes
from .pace import OTHER_SIGMAS, OTHER_SIZE, Pace
from .readback import Readback
from .replay import Replay
from .settings import TapSettings, keeps_to_quality
from .slopes import Slopes
from .standing import Standing
from .timer import StepTimer


class TapRun:
    """Made when sampling starts and closed when it ends, however it ends.

    Per model evaluation: `begin`, then for each model call `memory.can_forecast` and either `remember` or `forecast`
    per condition, and `count_call`, then `finish`; `pace.told` when the sampler has evaluated a step. Model calls of
    one evaluation may run in several threads, one a device. mixed: whether x is a mix of picture and noise, as in flow
    models; None where only the sigmas tell. guidance: the guider's cfg; None if it tells none.
    sigma_of_share: see Timeline.
    """

    def __init__(
        self, settings: TapSettings, sigmas: Sequence[float], model: str, mixed: bool | None = None,
        guidance: float | None = None, sigma_of_share: Callable[[float], float] | None = None,
    ) -> None:
        self.shared, self._given = processes() > 1, settings
        self.settings = settings = settings.without_quality() if self.shared else settings
        self.schedule = settings.schedule()
        self.timeline = Timeline(tuple(map(float, sigmas)), settings.time_axis, mixed, guidance, sigma_of_share)
        self.forecaster = Forecaster(settings, self.timeline)
        self.pool = self.forecaster.pool
        self.record = TapRecord(
            model=model, settings=settings_values(settings),
            sigmas=list(self.timeline.sigmas), guidance=guidance,
            candidates=candidate_names(self.pool.members), part_of_run=max(self.timeline.sigmas[-1:], default=0) > 0,
        )
        self.notes = Notes(self.record.fallbacks)
        self.decider = Decider(self.schedule, self.timeline, self.notes)
        self.memory = Memory(self.pool.snapshots, self.shared, self.notes)
        self.slopes, self.readback = Slopes(), Readback()
        # Those of x as a mix; the sampler's own steps, which Motion follows, go along its own slopes.
        self.flow = self.slopes if self.timeline.mixes else Slopes(mixed=False)
        self.motion, self.pace, self.levels = Motion(self.timeline, self.slopes), Pace(self.timeline), Levels()
        repays = settings.correction == "on" and self.decider.skips_any
        self.replay = Replay(self.timeline.mixes, guidance, self.flow) if repays else None
        self.standing = Standing(self.record, self.timeline, settings.closer_than_told, self.flow)
        if not self.decider.skips_any:
            self.standing.lose()
        self.standing.keep_silent(SHARED if self.shared else "")
        self.latents = Latents(self.decider, self.timeline.steps, self.standing, self.notes)
        self._room: int | None = None  # bytes that histories may take on the device; None without a limit
        self._lock, self._timers, self._started = threading.Lock(), [], time.perf_counter()
        self._note_beforehand()

    def sigma_of(self, told: Tensor) -> float:
        """The sampler's sigma as the model is told it [B]; see Pace.sigma_of."""
        skips = self.decider.skips_any and not self.notes.fell_back
        return self.pace.sigma_of(told.flatten()[0], self.readback if skips else None)

    def begin(self, sigma: float, device: torch.device, x: Tensor | None = None) -> None:
        """A model evaluation of x [B, C, ...] at `sigma` starts: decide whether its step is computed or forecast."""
        self.pace.begin(sigma)
        self.forget_slopes()
        position = self.pace.position
        if not self.pace.follows:
            self.fall_back_blind(self.pace.why_not)
        before = self.decider.seen.x
        if x is not None and before is not None and x.shape != before.shape:
            self.replay, self.motion = None, Motion(self.timeline, self.slopes)
            self.fall_back_blind(OTHER_SIZE)
        if x is not None:
            self.motion.watch(x, position)
        self.decider.begin(position, sigma, x)
        if self.pace.doubt:
            self.decider.decision = Decision(full=True, reason="unclear which step of the sampler it is")
        self._tell_latents_apart(position, sigma)
        if self.pace.rises and self.motion.jumps is not None and self.motion.jumps:  # one wait, at a full step
            self.fall_back_blind(OTHER_SIGMAS)
        self.record.evaluations.append(Evaluation(position, sigma, self.decider.decision.reason))
        self._timers.append(StepTimer(device))

    def _tell_latents_apart(self, position: float, sigma: float) -> None:
        """See whether the sampler evaluates several latents at this level. This waits for the device if it may."""
        self.levels.begin(position, sigma)
        if self.notes.fell_back or not self.decider.skips_any:
            return
        if self.levels.repeats:
            self.motion.count_repeat()
        if self.levels.unclear and position > 0:
            self.decider.decision = Decision(full=True, reason="unclear how many latents the sampler has")
        if self.levels.repeats and self.decider.decision.full and self.levels.judge(self.motion):
            self.memory.keep_newest()
            self.replay = None  # one way is interpolated, and there are several
            if keeps_to_quality(self.schedule):
                self.fall_back_blind(NO_QUALITY)
            else:
                self.notes.note(SEVERAL_LATENTS)
            self.standing.lose(SEVERAL_LATENTS)

    def fall_back_blind(self, reason: str) -> None:
        """Fall back where what comes does not show how far the forecast steps moved the picture."""
        self.notes.fall_back(reason)
        self.standing.lose(reason)

    def forget_slopes(self) -> None:
        """Whatever slope is asked for next is computed: tensors may have been written into."""
        self.slopes.forget()
        self.flow.forget()

    def foresee(self, x: Tensor, sigma: float) -> None:
        """The sampler will evaluate x [B, C, ...] next, after its first evaluation. This waits for the device."""
        if x.shape != self.decider.seen.x.shape:
            return
        self.motion.watch(x, self.timeline.position(sigma))
        self.decider.foresee(0.0 if self.motion.renewed is None else float(self.motion.renewed))

    def finish(self, x: Tensor, denoised: Tensor) -> None:
        """The model evaluation is over. x, denoised: [B, C, ...]."""
        self._timers[-1].stop()
        seen = self.decider.seen
        seen.x, seen.denoised, seen.full, seen.whole = x, denoised, self._now.full, self._now.whole
        repays = self.replay is not None and not self.notes.fell_back
        counts = NOT_REPAID if not repays else UNDER_NOISE if self.replay.noisy else REPAID
        self.standing.add(seen, self.motion, self.pace.sigma, counts)
        if seen.whole and self.decider.skips_any and not self.notes.fell_back:
            self._read_back(seen)
        self.decider.finish()
        self._forget()
        self._count_bytes()
        self.expect(x, denoised)

    def expect(self, x: Tensor, denoised: Tensor) -> None:
        """What the sampler got for its newest evaluation, or after a replay gets now. x, denoised: [B, C, ...]."""
        self.motion.expect(x, denoised, self.pace.sigma, self._now.position)

    def goes_again(self, x: Tensor, denoised: Tensor) -> bool:
        """Take what the sampler got for its newest evaluation; whether drift is repaid if it goes again."""
        if self.replay is None:
            return False
        whole = self._now.whole
        again = self.replay.add(x, denoised, self.pace.sigma, whole, self.motion.renewed if whole else None)
        self._count_bytes()
        if whole:  # a skipped step does not wait
            self.latents.keep_within_room(self.replay)
        return again and not self.notes.fell_back

    @contextmanager
    def unseen(self, sigma: float, device: torch.device) -> Iterator[None]:
        """A model evaluation whose x and answer may not be looked at or kept, of a run that has fallen back."""
        self.begin(sigma, device)
        self.replay = None
        yield
        self._timers[-1].stop()
        self._forget()

    @property
    def evaluating(self) -> bool:
        """Whether a model evaluation is under way."""
        return bool(self._timers) and not self._timers[-1].stopped

    def skip_stands(self) -> bool:
        """Whether the skip stands, now that the model call shows what the schedule asked for."""
        self.decider.decide_in_call()
        self._now.reason = self.decider.decision.reason
        return not self.decider.decision.full

    def remember(self, key: Hashable, probe: Tensor, target: Tensor) -> None:
        """Take what a full call showed of one condition. probe: [B, N, D], target: [B, N, C]; both may be kept."""
        position, probe = self._now.position, strided_probe(probe, self.settings.probe_stride).contiguous()
        history = self.memory.fitting(key, *probe.shape[:2])
        grid = self.record.grid if math.prod(self.record.grid) == probe.shape[1] else None
        expected = self.forecaster.expected(history, position, probe, grid, target)
        numbers = finite(probe) & finite(target)
        full_step(history, position, probe, target, numbers, expected, away=self.settings.cache_device == "cpu")
        if self._room is not None:
            self.memory.make_room(history, self._room)

    def forecast(
        self, key: Hashable, condition: int, probe: Tensor, grid: Grid | None = None, truth: Tensor | None = None
    ) -> tuple[Tensor, TokenChoices]:
        """Target [B, N, C] of a skipped call for one condition, from its true probe [B, N, D], and who made it.

        grid: how the tokens lie. truth: the true target, where the forecaster `wants_truth`.
        """
        history, probe = self.memory.histories[key], strided_probe(probe, self.settings.probe_stride)
        made = self.forecaster.forecast(history, self._now.position, probe, grid, truth, self.standing.trend)
        return made.target, TokenChoices(condition, made.choice, made.order, made.loss)

    def count_call(self, skipped: bool, reason: str = "", choices: Sequence[TokenChoices] = ()) -> None:
        """A model call ended. skipped: not computed in full; reason: why it was, although a forecast was wanted."""
        part = any(choice.computed is not None for choice in choices)
        with self._lock:
            self._now.add(choices, self.record.grid)
            self._now.part_calls += part
            self._now.skipped_calls += skipped and not part
            self._now.full_calls += not skipped
            self._now.reason = reason or self._now.reason

    def close(self, complete: bool) -> TapRecord:
        """Free what the run keeps and complete the record; its maps move to the CPU."""
        self.memory.clear()
        self.readback.clear()
        if self.replay is not None:
            self.replay.clear()
            self.replay = None
        self.record.complete = complete
        self.record.closeness = self.standing.closeness(self.motion) if complete else None
        self.record.seconds_total = time.perf_counter() - self._started
        if self.evaluating:  # an evaluation that never ended shows nothing
            self._timers.pop()
            self.record.evaluations.pop()
        self.record.end([timer.seconds for timer in self._timers])
        return self.record

    def keep_within_limit(self, latent: int) -> None:
        """Before the first step: divide memory_limit between histories and latents of so many bytes, or fall back."""
        limit = self.settings.limit_bytes
        if limit is None or self.notes.fell_back:
            return
        if self.replay is not None:
            self.latents.fit(self.replay, latent, limit)
        self.latents.room = self.latents.on_device(self.replay) * latent
        self._room = limit - self.latents.room
        if self._room < 0:
            self.notes.fall_back(NO_ROOM.format(limit=self.settings.memory_limit, taken=self.latents.room / 1e6))
            self.replay = None
            self.standing.lose()

    @property
    def so_far(self) -> str:
        """How close the run is so far, in words; empty before its first gap, and where it has fallen back."""
        return "" if self.notes.fell_back else self.standing.so_far

    def _note_beforehand(self) -> None:
        """What is known before the first step of why steps will be computed in full."""
        for note in (*self.forecaster.notes, *self.schedule.notes(self.timeline, self.record.model)):
            self.notes.note(note)
        if self.settings is not self._given:
            self.notes.note(SHARED_QUALITY)
        reason = why_not_shared(self.schedule, self.pool, self.settings.selector()) if self.shared else ""
        if reason:
            self.notes.fall_back(reason)
        if not self.decider.skips_any and not self.settings.off:
            self.notes.note(why_none_is_skipped(self.schedule, self.timeline))

    def _read_back(self, seen: Seen) -> None:
        """Read all that the run has to know of this full step and of skipped ones before it. This waits once."""
        self.memory.ask(self.readback.ask)
        self.motion.ask(self.readback.ask)
        self.standing.ask(self.readback.ask)
        for name in ("drifts", "surprise"):
            if getattr(seen, name) is not None:
                self.readback.ask(getattr(seen, name), partial(setattr, seen, name))
        self.readback.read()
        if seen.renewed is not None:
            seen.renewed, seen.turned = self.motion.renewed, self.motion.turned
        self.standing.tell(seen)

    def _forget(self) -> None:
        """Drop what no later step is forecast from."""
        if self.notes.fell_back:
            self.memory.clear()
        elif self._now.full and self._now.whole and self.decider.wants_snapshot:
            self.memory.keep(self._now.position)

    def _count_bytes(self) -> None:
        kept = self.memory.nbytes + self.decider.nbytes + self.latents.nbytes(self.replay)
        self.record.cache_bytes = max(self.record.cache_bytes, kept)

    @property
    def _now(self) -> Evaluation:
        return self.record.evaluations[-1]
