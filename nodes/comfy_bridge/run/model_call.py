"""One call of the diffusion model: the conditions that ComfyUI batched into it, computed or forecast."""

import math
from collections.abc import Callable

import torch
from comfy.patcher_extension import WrapperExecutor
from torch import Tensor

from ....tap_core.record.record import TokenChoices
from ..seam.block_seam import BlockSeam, Seam
from ..seam.call_target import CALL_TARGETS, AtTheEnd, CallSeam
from ..seam.compiled import CompiledSeam, is_compiled
from ..seam.in_out_seam import InOutAdapter, InOutSeam
from ..seam.self_check import probe_is_attended
from ..seam.targets import TARGET_KINDS, Caught
from .call import Call
from .condition import window_frames
from .foresee import bytes_of_step, only_shown
from .sampling import RUN_KEY, sampling_of
from .waiting_control import residuals

# What a look at block 0's entry shows; for anything else a block has to be run.
SEEN_AT_ENTRY = {"probe", "stream", "target", "loss"}
FELL_BACK = "TAP fell back"
# Seconds between two looks whether there is still something to wait for.
LONGEST_WAIT = 1.0


def apply_model(executor: WrapperExecutor, x: Tensor, t: Tensor, c_concat: Tensor | None = None,
                c_crossattn: Tensor | None = None, control: object = None, transformer_options: dict | None = None,
                **kwargs: object) -> Tensor:
    """APPLY_MODEL: one model call, its conditions in one batch; computed and remembered, or forecast."""
    options = transformer_options or {}
    sampling = sampling_of(options)

    def forward(options: dict, controlled: bool = True) -> Tensor:
        given = residuals(control) if controlled else None
        return executor(x, t, c_concat, c_crossattn, given, options, **kwargs)

    if sampling is None or not sampling.run.evaluating or "uuids" not in options:
        return forward(options)
    # The model gets what it would get without TAP: a graph that was compiled for that is not compiled again.
    options = {name: value for name, value in options.items() if name != RUN_KEY}
    adapter = sampling.reach(executor.class_obj)
    if sampling.run.notes.fell_back:
        sampling.run.count_call(skipped=False, reason=FELL_BACK)
        return forward(options)
    return ModelCall(sampling, executor.class_obj, adapter, (x, t), options, kwargs, control).run(forward)


class ModelCall(Call):
    """A call that is computed and remembered, or forecast."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.truth: Tensor | None = None
        self.choices: list[TokenChoices] = []

    def run(self, forward: Callable[..., Tensor]) -> Tensor:
        """Forecast the call where that is decided and possible, else compute it."""
        while self.decider.asks and not self.leads and not self.sampling.decided.wait(LONGEST_WAIT):
            pass  # the call that decides may find that TAP has to fall back, and then asks nothing
        try:
            return self._run(forward)
        finally:
            if self.leads:
                self.sampling.decided.set()

    def _run(self, forward: Callable[..., Tensor]) -> Tensor:
        if not self.whole_batch():
            self.tap.notes.fall_back("Another node hands the model a part of a batch at a time, and TAP cannot tell "
                                     "which; every step was computed in full. Take that node out, or TAP.")
        elif self.place is None:
            self.tap.notes.fall_back("Another node changes or moves the picture that the model is given, and TAP "
                                     "cannot tell how; every step was computed in full. Take that node out, or TAP.")
        if self.tap.notes.fell_back:
            return self._compute_plainly(forward)
        self.show_grid()
        if not self.decider.wants_skip:
            return self._compute(forward)
        if not self.tap.memory.can_forecast(self.keys, len(self.x) // len(self.keys), self.cut.count):
            return self._compute(forward, reason="new condition or size")
        return self._forecast(forward)

    def _compute_plainly(self, forward: Callable[..., Tensor]) -> Tensor:
        self.tap.count_call(skipped=False, reason=FELL_BACK)
        return forward(self.options)

    def _compute(self, forward: Callable[..., Tensor], reason: str = "") -> Tensor:
        if not self.decider.wants_snapshot and not self._opens:
            output = forward(self.options)
        else:
            seam = self._seam(forward)
            output = seam.compute(forward, self.options)
            if self.decider.wants_snapshot:
                self._remember(seam)
        self.tap.count_call(skipped=False, reason=reason)
        return output

    @property
    def _opens(self) -> bool:
        """Whether this is the run's first call, which completes the plan."""
        return self.leads and self.sampling.live is not None and self.sampling.live.awaits_cache

    def _arrived(self, caught: Caught) -> None:
        """The call is about to run block 0."""
        if self._opens:
            self.sampling.live.begins(only_shown(lambda: bytes_of_step(self, caught), 0))

    def _remember(self, seam: Seam) -> None:
        probe = seam.caught.probe
        strange = seam.caught.strange or (probe is not None and len(probe) != len(self.x))
        if not strange and (probe is None or not seam.caught.complete):
            missing = "final layer" if probe is not None else "first block"
            self.tap.notes.fall_back(f"The {missing} of {self.tap.record.model} was not reached; every step was "
                                     "computed in full. Another node may have replaced the model's forward.")
            return
        unchecked = self._unchecked and not isinstance(seam, InOutSeam)
        if strange or (unchecked and not probe_is_attended(seam.caught)):
            self._leave_strange_block()
            return
        self.sampling.checked.add(id(self.model))
        self._show(seam.caught)
        count = len(self.keys)
        parts = zip(self.keys, probe.chunk(count), seam.caught.target.chunk(count), strict=True)
        for key, mine, target in parts:
            self.tap.remember(key, mine, target)

    @property
    def _unchecked(self) -> bool:
        return id(self.model) not in self.sampling.checked

    def _leave_strange_block(self) -> None:
        why = "TAP or ComfyUI may need an update."
        if self.tap.shared:
            why = "Processes that share out the tokens of a picture inside the model do that."
        self.tap.notes.fall_back(f"The first block of {self.tap.record.model} is not as TAP knows it; every step was "
                                 f"computed in full. {why}")

    def _forecast(self, forward: Callable[..., Tensor]) -> Tensor:
        if self.tap.forecaster.wants_truth:
            self.truth = self._true_target(forward)
        seam, verify = self._seam(forward), self.decider.verify if self.leads else None
        if self.decider.asks or verify is not None:
            output = seam.attempt(forward, self.options, self._decide, verify)
            if not seam.caught.skipped:
                self._remember(seam)
                self.tap.count_call(skipped=False)
                return output
        else:
            # Control residuals only reach the blocks, whose result is replaced.
            output = seam.forecast(lambda options: forward(options, controlled=False), self.options, self._predict)
        if seam.caught.complete:
            self._show(seam.caught)
            self.tap.count_call(skipped=True, choices=self._placed())
            return output
        self.tap.notes.fall_back(f"The blocks of {self.tap.record.model} could not be skipped; this call and the rest "
                                 "were computed in full.")
        return self._compute_plainly(forward)

    def _decide(self, caught: Caught) -> Tensor | None:
        """The forecast of the call, or None where the schedule, seeing block 0, wants it computed."""
        self._show(caught)
        target = self._predict(caught.probe) if self.decider.asks == "loss" else None
        stands = not self.decider.asks or self.tap.skip_stands()
        self.sampling.decided.set()
        if not stands:
            return None
        return self._predict(caught.probe) if target is None else target

    def _predict(self, probe: Tensor) -> Tensor | None:
        if len(probe) != len(self.x):
            return None
        count = len(self.keys)
        truths = [None] * count if self.truth is None else self.truth.chunk(count)
        grid = None if len(self.cut.grids) > 1 else self.grid
        parts = zip(self.keys, self.options["cond_or_uncond"], probe.chunk(count), truths, strict=True)
        forecasts = [self.tap.forecast(key, condition, now, grid, truth) for key, condition, now, truth in parts]
        self.choices = [choices for _, choices in forecasts]
        if self.leads:
            self.decider.show(loss=torch.cat([choices.loss for choices in self.choices]))
        return torch.cat([target for target, _ in forecasts])

    def _placed(self) -> list[TokenChoices]:
        """The choices for the picture's tokens, if it is known where on it they lie; not so in a condition's area."""
        frames, (_, rows, columns) = window_frames(self.options), self.tap.record.grid
        windowed = frames and self.grid == (len(frames), rows, columns)
        if not windowed and self.grid != self.tap.record.grid:
            return []
        return [choices.first(math.prod(self.grid), frames if windowed else ()) for choices in self.choices]

    def _true_target(self, forward: Callable[..., Tensor]) -> Tensor | None:
        """What the blocks make of this call, for an oracle that then forecasts it all the same."""
        seam = self._seam(forward)
        seam.compute(forward, self.options)
        return seam.caught.target

    def _show(self, caught: Caught) -> None:
        """Let the schedule see what it looks at, in the call that decides."""
        if self.leads:
            self.decider.show(**{name: getattr(caught, name) for name in self.decider.course.needs if hasattr(caught, name)})

    def _seam(self, forward: Callable[..., Tensor] | None = None) -> Seam:
        adapter, kind, needs = self.adapter, self.tap.settings.target, self.decider.course.needs
        if isinstance(adapter, InOutAdapter):
            seam = InOutSeam(self.base.model_sampling.calculate_input(self.sigmas, self.x),
                             self.call_target(kind if kind in CALL_TARGETS else "slope"))
            self._arrived(seam.caught)
            return seam
        at_end, watch = kind in CALL_TARGETS, self._unchecked
        seam = BlockSeam(adapter, self.model, AtTheEnd() if at_end else TARGET_KINDS[kind], self.cut,
                         {**self.conditions, "cond_or_uncond": self.options["cond_or_uncond"]}, watch, needs,
                         self._arrived)
        if at_end:
            seam = CallSeam(seam, self.call_target(kind))
        if not is_compiled(self.base.diffusion_model):
            return seam
        looks = not at_end or not needs <= SEEN_AT_ENTRY
        if looks:
            self.tap.notes.note("TAP looks into the compiled model, so the steps that are computed run uncompiled. For "
                                "target auto or denoised, and most schedules, it does not have to.")
        return CompiledSeam(seam, self.base, None if looks or watch else lambda o: forward(o, controlled=False))
