"""One call of the diffusion model, with the conditions that ComfyUI batched into it: computed or forecast."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from comfy.patcher_extension import WrapperExecutor
from torch import Tensor, nn

from ....tap_core.record.record import TokenChoices
from ..seam.in_out_seam import InOutAdapter, InOutSeam
from ..seam.layout import in_one_batch
from ..seam.part import Part
from ..seam.patches import to_patches
from ..seam.replacer import replacer
from ..seam.seam import Seam
from ..seam.self_check import missing_part, probe_is_attended
from ..seam.targets import Captured
from .call_context import CallContext
from .condition import window_frames
from .expected_memory import bytes_of_step, figure_or
from .fitting_seam import fitting_seam
from .in_part import IN_FULL, OTHER_TOKENS, why_in_full
from .others import MOVES, watch
from .run_state import RUN_KEY, state_of
from .waiting_control import residuals

FELL_BACK = "TAP fell back"
# Seconds after which a waiting call checks again whether it still has to wait.
LONGEST_WAIT = 1.0


def apply_model(executor: WrapperExecutor, x: Tensor, t: Tensor, c_concat: Tensor | None = None,
                c_crossattn: Tensor | None = None, control: object = None, transformer_options: dict | None = None,
                **kwargs: object) -> Tensor:
    """APPLY_MODEL: one model call with a batch of conditions; computed and remembered, or forecast."""
    options = transformer_options or {}
    state = state_of(options, executor.class_obj)

    def forward(options: dict, controlled: bool = True) -> Tensor:
        given = residuals(control) if controlled else None
        return executor(x, t, c_concat, c_crossattn, given, options, **kwargs)

    if state is not None:
        state.call_comes()
    if state is None or not state.run.evaluating or "uuids" not in options:
        return forward(options)
    # The model gets the same options as without TAP, so that a compiled graph is not compiled again.
    options = {name: value for name, value in options.items() if name != RUN_KEY}
    adapter = state.adapter_of(executor.class_obj)
    if state.run.notes.fell_back:
        state.run.count_call(skipped=False, reason=FELL_BACK)
        return forward(options)
    return ModelCall(state, executor.class_obj, adapter, (x, t), options, kwargs, control).run(forward)


class ModelCall(CallContext):
    """A call that is computed and remembered, or forecast."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.truth: Tensor | None = None
        self.choices: list[TokenChoices] = []

    def run(self, forward: Callable[..., Tensor]) -> Tensor:
        """Forecast the call if that is decided and possible, else compute it."""
        while self.decider.asks and not self.decides and not self.state.decided.wait(LONGEST_WAIT):
            pass  # TAP may fall back in the deciding call; then the schedule asks nothing more
        try:
            return self._run(forward)
        finally:
            if self.decides:
                self.state.decided.set()

    def _run(self, forward: Callable[..., Tensor]) -> Tensor:
        """Check that the call is one that TAP understands, then compute or forecast it."""
        if not self.whole_batch():
            self.tap.notes.fall_back("Another node gives the model a part of a batch, or other prompts, and TAP cannot "
                                     "tell which; every step was computed in full. Remove that node, or TAP.")
        elif self.place is None:
            self.tap.fall_back_blind(MOVES)
        elif self._has_other_blocks():
            self.tap.fall_back_blind(f"{self._who(self.blocks, (), self._current)} puts something else in place of "
                                     f"the blocks of {self.tap.record.model}; TAP computes all other steps in full. "
                                     "Remove that node, or TAP.")
        if self.tap.notes.fell_back:
            return self._compute_plainly(forward)
        self.show_grid()
        if not self.decider.wants_skip:
            watch(self.tap, self.options, self.decider.seen.x, self.x)
            return self._compute(forward)
        if not self.tap.memory.can_forecast(self.keys, len(self.x) // len(self.keys), self.cut.count):
            return self._compute(forward, reason="new condition or size")
        return self._forecast(forward) if self.decider.unstable is None else self._compute_in_part(forward)

    def _compute_plainly(self, forward: Callable[..., Tensor]) -> Tensor:
        """Compute the call as without TAP."""
        self.tap.count_call(skipped=False, reason=FELL_BACK)
        return forward(self.options)

    def _compute(self, forward: Callable[..., Tensor], reason: str = "") -> Tensor:
        """Compute the call; remember its probe and target if the schedule wants a snapshot."""
        if not self.decider.wants_snapshot and not self._is_first_of_run:
            output = forward(self.options)
        else:
            seam = self._seam(forward)
            output = seam.compute(forward, self.options)
            if self.decider.wants_snapshot:
                self._remember(seam)
        self.tap.count_call(skipped=False, reason=reason)
        return output

    @property
    def _is_first_of_run(self) -> bool:
        """Whether this is the run's first call, which completes the plan."""
        return self.decides and self.state.live is not None and self.state.live.awaits_cache

    def _tell_expected_memory(self, captured: Captured) -> None:
        """Complete the plan with the memory that the run will take."""
        if self._is_first_of_run:
            self.state.live.begins(figure_or(0, lambda: bytes_of_step(self, captured)))

    def _remember(self, seam: Seam) -> None:
        """Put what was captured into the history of each condition; fall back if something is missing or wrong."""
        probe = seam.captured.probe
        mismatch = seam.captured.mismatch or (probe is not None and len(probe) != len(self.x))
        if not mismatch and (probe is None or not seam.captured.complete):
            missing = "final layer" if probe is not None else "first block"
            self.tap.fall_back_blind(f"The {missing} of {self.tap.record.model} was not reached; TAP computes all "
                                     f"other steps in full. {self._who()} may have replaced the model's forward. "
                                     "Remove that node, or TAP.")
            return
        if seam.captured.replaced and not mismatch:
            self._fall_back_at_replaced_blocks(seam.captured.replaced)
            return
        unchecked = self.unchecked and not isinstance(seam, InOutSeam)
        if mismatch or (unchecked and not probe_is_attended(seam.captured)):
            self._fall_back_at_mismatch(seam.captured)
            return
        self.state.checked.add(id(self.model))
        self._show_schedule(seam.captured)
        count = len(self.keys)
        # With a limit, each condition's part moves to the processor by itself, and as a view it would free nothing.
        alone = torch.clone if count > 1 and self.tap.settings.limit_bytes is not None else lambda part: part
        parts = zip(self.keys, probe.chunk(count), seam.captured.target.chunk(count), strict=True)
        for key, mine, target in parts:
            self.tap.remember(key, alone(mine), alone(target))

    def _fall_back_at_mismatch(self, captured: Captured) -> None:
        model = self.tap.record.model
        if captured.entries > 1:
            self._fall_back_at_several_runs()
            return
        if captured.other_tokens and not self.tap.shared:
            self.tap.fall_back_blind(f"The blocks of {model} get other tokens than the picture has, as with some "
                                     "guides; every step was computed in full.")
            return
        why = "TAP or ComfyUI may need an update."
        if captured.attended is None and not captured.mismatch:
            why = f"{self._who(self.blocks, (0,))} may have replaced its attention. Remove that node, or TAP."
        if self.tap.shared:
            why = "Processes that share out the tokens of a picture inside the model do that."
        self.tap.fall_back_blind(f"The first block of {model} is not as TAP knows it; every step was computed in "
                                 f"full. {why}")

    def _fall_back_at_several_runs(self) -> None:
        self.tap.fall_back_blind(f"{self._who()} runs {self.tap.record.model} several times in one call; TAP computes "
                                 "all other steps in full. Remove that node, or TAP.")

    def _fall_back_at_replaced_blocks(self, places: Sequence[int]) -> None:
        """What the call gave is the guess of another node, such as a cache: never remember that as the truth."""
        blocks = self.blocks
        self.tap.fall_back_blind(f"{self._who(blocks, places)} skips blocks of {self.tap.record.model} by "
                                 f"itself: in a computed step, {len(places)} of {len(blocks.modules)} blocks did not "
                                 "run. TAP computes all other steps in full. Remove that node, or TAP.")

    @property
    def _current(self) -> Sequence[nn.Module]:
        """The blocks as the model has them in this call."""
        return () if isinstance(self.adapter, InOutAdapter) else self.adapter.blocks(self.model).modules

    def _has_other_blocks(self) -> bool:
        """Whether another node has put something else in place of the model's blocks for this call."""
        if isinstance(self.adapter, InOutAdapter):
            return False
        return bool(missing_part(self.adapter, self.model)) or len(self._current) != len(self.blocks.modules)

    def _who(self, *where: object) -> str:
        """The other node as a user can find it: by the function that it put into the model."""
        name = replacer(self.model, self.options, *where)
        return f"Another node ({name})" if name else "Another node"

    def _forecast(self, forward: Callable[..., Tensor]) -> Tensor:
        """Forecast the call; compute it if the schedule asks and decides so, or if the blocks could not be skipped."""
        if self.tap.forecaster.wants_truth:
            self.truth = self._true_target(forward)
        seam, verify = self._seam(forward), self.decider.verify if self.decides else None
        if self.decider.asks or verify is not None:
            output = seam.attempt(forward, self.options, self._decide, verify)
            if not seam.captured.skipped:
                self._remember(seam)
                self.tap.count_call(skipped=False)
                return output
        else:
            # ControlNet residuals only reach the blocks, whose result is replaced.
            output = seam.forecast(lambda options: forward(options, controlled=False), self.options, self._predict)
        if seam.captured.complete:
            self._show_schedule(seam.captured)
            self.tap.count_call(skipped=True, choices=self._choices_on_picture())
            return output
        if seam.captured.entries > 1:
            self._fall_back_at_several_runs()
        else:
            self.tap.fall_back_blind(f"The blocks of {self.tap.record.model} could not be skipped; this call and the "
                                     f"rest were computed in full. {self._who()} may have replaced the model's "
                                     "forward. Remove that node, or TAP.")
        return self._compute_plainly(forward)

    def _compute_in_part(self, forward: Callable[..., Tensor]) -> Tensor:
        """Compute the tokens that are not stable and forecast the others; compute all of them where that cannot be."""
        if reason := why_in_full(self):
            self.tap.notes.note(IN_FULL.format(reason=reason))
            return self._compute(forward)
        kept = self.decider.chosen(to_patches(self.decider.unstable, self.grid), self.grid)
        if kept.all():
            return self._compute(forward)
        seam = self._seam(forward)
        output = seam.compute_part(forward, self.options, self._predict, Part(kept, self.adapter))
        if seam.captured.entries > 1:
            self._fall_back_at_several_runs()
            return self._compute_plainly(forward)
        if not seam.captured.part:
            self.tap.notes.note(IN_FULL.format(reason=OTHER_TOKENS))
            self._remember(seam)
            self.tap.count_call(skipped=False)
            return output
        self._show_schedule(seam.captured)
        choices = [replace(choices, computed=kept.expand_as(choices.member)) for choices in self.choices]
        self.tap.count_call(skipped=True, choices=choices)
        return output

    def _decide(self, captured: Captured) -> Tensor | None:
        """The forecast of the call; None if the schedule looks at block 0 and wants the call computed."""
        self._show_schedule(captured)
        target = self._predict(captured.probe) if self.decider.asks == "loss" else None
        skips = not self.decider.asks or self.tap.skip_stands()
        self.state.decided.set()
        if not skips:
            return None
        return self._predict(captured.probe) if target is None else target

    def _predict(self, probe: Tensor) -> Tensor | None:
        """The forecast target [B*conditions, N, C], each condition from its own history."""
        if len(probe) != len(self.x):
            return None
        count = len(self.keys)
        truths = [None] * count if self.truth is None else self.truth.chunk(count)
        grid = None if len(self.cut.grids) > 1 else self.grid
        parts = zip(self.keys, self.options["cond_or_uncond"], probe.chunk(count), truths, strict=True)
        forecasts = [self.tap.forecast(key, condition, now, grid, truth) for key, condition, now, truth in parts]
        self.choices = [choices for _, choices in forecasts]
        if self.decides:
            self.decider.show(loss=in_one_batch([choices.loss for choices in self.choices]))
        return in_one_batch([target for target, _ in forecasts])

    def _choices_on_picture(self) -> list[TokenChoices]:
        """The choices for the picture's tokens if their places are known, as they are not in a condition's area."""
        frames, (_, rows, columns) = window_frames(self.options), self.tap.record.grid
        windowed = frames and self.grid == (len(frames), rows, columns)
        if not windowed and self.grid != self.tap.record.grid:
            return []
        return [choices.first(math.prod(self.grid), frames if windowed else ()) for choices in self.choices]

    def _true_target(self, forward: Callable[..., Tensor]) -> Tensor | None:
        """The true target of this call, for an oracle that chooses its forecasts by it, and for measuring."""
        seam = self._seam(forward)
        seam.compute(forward, self.options)
        return seam.captured.target

    def _show_schedule(self, captured: Captured) -> None:
        """Show the schedule what it looks at, if this call decides."""
        if self.decides:
            needs = self.decider.course.needs
            self.decider.show(**{name: getattr(captured, name) for name in needs if hasattr(captured, name)})

    def _seam(self, forward: Callable[..., Tensor] | None = None) -> Seam:
        """The seam that fits this call."""
        return fitting_seam(self, self._tell_expected_memory, forward)
