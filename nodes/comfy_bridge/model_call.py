"""One call of the diffusion model: the conditions that ComfyUI batched into it, computed or forecast."""

import math
from collections import Counter
from collections.abc import Callable, Hashable

import torch
from comfy.patcher_extension import WrapperExecutor
from torch import Tensor

from ...tap_core.run import TapRun
from .adapter import Adapter
from .call_target import CALL_TARGETS, AtTheEnd, CallSeam, CallTarget
from .cut import Cut, cut_of, is_packed, parts_of
from .in_out_seam import InOutAdapter, InOutSeam
from .patches import filled_share
from .plain_module import plain_module
from .seam import BlockSeam, Seam
from .self_check import probe_is_attended
from .targets import TARGET_KINDS, Caught

RUN_KEY = "tap_sampling"


class Sampling:
    """What the wrappers share during one sampling run. A class, because ComfyUI copies dicts in its options."""

    def __init__(self, run: TapRun, adapter: Adapter | InOutAdapter) -> None:
        self.run, self.adapter, self.checked = run, adapter, False
        self._calls: Counter[Hashable] = Counter()

    def begin(self, sigma: float, x: Tensor) -> None:
        """A model evaluation of x [B, C, ...] starts."""
        self._calls.clear()
        self.run.begin(sigma, x.device, x)

    def condition_keys(self, options: dict) -> list[Hashable]:
        """One key for each condition in this call; guidance variants share a uuid, so calls are counted too."""
        window = options.get("context_window")
        frames = tuple(window.index_list) if window is not None else ()
        keys = []
        for uuid, condition in zip(options["uuids"], options["cond_or_uncond"], strict=True):
            key = (uuid, condition, frames)
            self._calls[key] += 1
            keys.append((*key, self._calls[key]))
        return keys


def sampling_of(options: dict) -> Sampling | None:
    """The sampling run that transformer options belong to; None where TAP is not at work."""
    return options.get(RUN_KEY)


def apply_model(executor: WrapperExecutor, x: Tensor, t: Tensor, c_concat: Tensor | None = None,
                c_crossattn: Tensor | None = None, control: object = None, transformer_options: dict | None = None,
                **kwargs: object) -> Tensor:
    """APPLY_MODEL: one model call, its conditions in one batch; computed and remembered, or forecast."""
    options = transformer_options or {}

    def forward(options: dict, control: object = control) -> Tensor:
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)

    sampling = sampling_of(options)
    if sampling is None or not sampling.run.evaluating or "uuids" not in options:
        return forward(options)
    return ModelCall(sampling, executor.class_obj, (x, t), options, kwargs).run(forward)


class ModelCall:
    """One call of the diffusion model on x [B*conditions, C, (T,) H, W] at sigmas [B*conditions]."""

    def __init__(self, sampling: Sampling, base: torch.nn.Module, noisy: tuple[Tensor, Tensor], options: dict,
                 conditions: dict) -> None:
        self.sampling, self.tap = sampling, sampling.run
        self.base, self.model = base, plain_module(base.diffusion_model)
        (self.x, self.sigmas), self.options, self.conditions = noisy, options, conditions
        self.keys, self.shapes = sampling.condition_keys(options), conditions.get("latent_shapes")
        self.truth: Tensor | None = None

    def run(self, forward: Callable[..., Tensor]) -> Tensor:
        """Forecast the call where that is decided and possible, else compute it."""
        if self.tap.aside:
            return self._compute_plainly(forward)
        picture = parts_of(self.x, self.shapes)[0]
        grid = self.sampling.adapter.grid(self.model, picture)
        self.tap.record.grid = grid
        self.tap.record.filled = filled_share(picture, self.sampling.adapter.patch(self.model), grid)
        if not self.tap.wants_skip:
            return self._compute(forward)
        tokens = self._cut().count
        if not self.tap.can_forecast(self.keys, len(self.x) // len(self.keys), tokens):
            self.tap.fall_back("A prompt or picture size that appeared in mid-run was computed in full once.")
            return self._compute(forward, reason="new condition or size")
        return self._forecast(forward)

    def _compute_plainly(self, forward: Callable[..., Tensor]) -> Tensor:
        self.tap.count_call(skipped=False, reason="TAP stepped aside")
        return forward(self.options)

    def _compute(self, forward: Callable[..., Tensor], reason: str = "") -> Tensor:
        if not self.tap.wants_snapshot:
            output = forward(self.options)
        else:
            seam = self._seam()
            output = seam.compute(forward, self.options)
            self._remember(seam)
        self.tap.count_call(skipped=False, reason=reason)
        return output

    def _remember(self, seam: Seam) -> None:
        strange = seam.caught.strange
        if not strange and (seam.caught.probe is None or not seam.caught.complete):
            missing = "final layer" if seam.caught.probe is not None else "first block"
            self.tap.step_aside(f"The {missing} of {self.tap.record.model} was not reached; every step was computed "
                                "in full. Another node may have replaced the model's forward.")
            return
        unchecked = not self.sampling.checked and isinstance(seam, BlockSeam | CallSeam)
        if strange or (unchecked and not probe_is_attended(seam.caught)):
            self.tap.step_aside(f"The first block of {self.tap.record.model} is not as TAP knows it; every step was "
                                "computed in full. TAP or ComfyUI may need an update.")
            return
        self.sampling.checked = True
        self._show(seam.caught)
        parts = zip(self.keys, seam.caught.probe.chunk(len(self.keys)), seam.caught.target.chunk(len(self.keys)),
                    strict=True)
        for key, probe, target in parts:
            self.tap.remember(key, probe, target)

    def _forecast(self, forward: Callable[..., Tensor]) -> Tensor:
        if self.tap.wants_truth:
            self.truth = self._true_target(forward)
        seam = self._seam()
        if self.tap.asks or self.tap.verify is not None:
            output = seam.attempt(forward, self.options, self._decide, self.tap.verify)
            if not seam.caught.skipped:
                self._remember(seam)
                self.tap.count_call(skipped=False)
                return output
        else:
            # Control residuals only reach the blocks, whose result is replaced.
            output = seam.forecast(lambda options: forward(options, control=None), self.options, self._predict)
        if seam.caught.complete:
            self._show(seam.caught)
            self.tap.count_call(skipped=True)
            if is_packed(self.shapes):
                self.tap.record.evaluations[-1].keep_first(math.prod(self.tap.record.grid))
            return output
        self.tap.step_aside(f"The blocks of {self.tap.record.model} could not be skipped; this call and the rest were "
                            "computed in full.")
        return self._compute_plainly(forward)

    def _decide(self, caught: Caught) -> Tensor | None:
        """The forecast of the call, or None where the schedule, seeing block 0, wants it computed."""
        self._show(caught)
        target = self._predict(caught.probe) if self.tap.asks == "loss" else None
        if self.tap.asks and not self.tap.skip_stands():
            return None
        return self._predict(caught.probe) if target is None else target

    def _predict(self, probe: Tensor) -> Tensor:
        count = len(self.keys)
        truths = [None] * count if self.truth is None else self.truth.chunk(count)
        parts = zip(self.keys, self.options["cond_or_uncond"], probe.chunk(count), truths, strict=True)
        forecasts = [self.tap.forecast(*part) for part in parts]
        return forecasts[0] if len(forecasts) == 1 else torch.cat(forecasts)

    def _true_target(self, forward: Callable[..., Tensor]) -> Tensor | None:
        """What the blocks make of this call, for an oracle that then forecasts it all the same."""
        seam = self._seam()
        seam.compute(forward, self.options)
        return seam.caught.target

    def _show(self, caught: Caught) -> None:
        """Let the schedule see what it looks at."""
        self.tap.show(**{name: getattr(caught, name) for name in self.tap.course.needs if hasattr(caught, name)})

    def _cut(self) -> Cut:
        return cut_of(self.x, self.tap.record.grid, self.shapes, self.sampling.adapter.side_patch)

    def _seam(self) -> Seam:
        adapter, kind = self.sampling.adapter, self.tap.settings.target
        at_end = kind in CALL_TARGETS
        sigma = self.sigmas.reshape(-1, *[1] * (self.x.ndim - 1))
        cut = self._cut()
        if isinstance(adapter, InOutAdapter):
            target = CallTarget(kind if at_end else "slope", self.x, sigma, cut, self.tap.motion.noisy)
            return InOutSeam(self.base.model_sampling.calculate_input(self.sigmas, self.x), target)
        inner = BlockSeam(adapter, self.model, AtTheEnd() if at_end else TARGET_KINDS[kind], cut,
                          {**self.conditions, "cond_or_uncond": self.options["cond_or_uncond"]},
                          watch=not self.sampling.checked, keeps=self.tap.course.needs)
        if not at_end:
            return inner
        return CallSeam(inner, CallTarget(kind, self.x, sigma, cut, self.tap.motion.noisy))
