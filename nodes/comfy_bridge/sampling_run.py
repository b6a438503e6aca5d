"""TAP's wrappers around ComfyUI's sampling: one run per sampling, one decision per model evaluation."""

import logging
from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from torch import Tensor

from ...tap_core.errors import TapError
from ...tap_core.record import RecordHolder
from ...tap_core.run import TapRun
from ...tap_core.settings import TapSettings
from ...tap_core.summary import summary_line
from .find_adapter import find_adapter, why_not_reached
from .in_out_seam import InOutAdapter
from .live import LIVE_KEY, LiveRun
from .model_call import RUN_KEY, Sampling, apply_model, sampling_of
from .plain_module import plain_module
from .self_check import missing_part

KEY = "tap"

log = logging.getLogger("tap")


class TapPatch:
    """The settings of one TAP Accelerate node, and where its records go; no sampling state lives here.

    node: its id in the prompt, by which the browser finds it.
    """

    def __init__(self, settings: TapSettings, holder: RecordHolder, node: str = "") -> None:
        self.settings, self.holder, self.node = settings, holder, node

    def install(self, model: ModelPatcher) -> None:
        """Add the wrappers to a cloned model, in place of those of an earlier TAP node."""
        wrappers = {
            WrappersMP.OUTER_SAMPLE: self.sample,
            WrappersMP.PREDICT_NOISE: evaluate,
            WrappersMP.APPLY_MODEL: apply_model,
        }
        for kind, wrapper in wrappers.items():
            model.remove_wrappers_with_key(kind, KEY)
            model.add_wrapper_with_key(kind, KEY, wrapper)

    def sample(self, executor: WrapperExecutor, noise: Tensor, latent: Tensor, sampler: object, sigmas: Tensor,
               *args: object, **kwargs: object) -> Tensor:
        """OUTER_SAMPLE: make the run, and free it whatever happens."""
        self.holder.clear()
        guider, complete = executor.class_obj, False
        sampling = self._start(guider, sigmas)
        options = guider.model_options.setdefault("transformer_options", {})
        live = sampling and LiveRun(sampling.run, self.node)
        options[RUN_KEY], options[LIVE_KEY] = sampling, live
        try:
            output = executor(noise, latent, sampler, sigmas, *args, **kwargs)
            complete = True
            return output
        finally:
            options.pop(RUN_KEY, None)
            options.pop(LIVE_KEY, None)
            if sampling is not None:
                self.end(sampling.run, complete)
                live.ended()

    def make_run(self, sigmas: Sequence[float], model: str, guider: object) -> TapRun:
        """The run of one sampling. Raises TapError if its settings do not fit the sigmas."""
        return TapRun(self.settings, sigmas, model)

    def end(self, run: TapRun, complete: bool) -> None:
        """Sampling is over, or was interrupted: leave the record."""
        self.holder.fill(run.close(complete))
        log.info("TAP: %s", summary_line(run.record))

    def _start(self, guider: object, sigmas: Tensor) -> Sampling | None:
        model = guider.model_patcher.model
        diffusion_model = plain_module(model.diffusion_model)
        adapter, name = find_adapter(diffusion_model), type(model).__name__
        if isinstance(adapter, InOutAdapter):
            name += f" ({adapter.name})"
        try:
            run = self.make_run(sigmas.tolist(), name, guider)
        except TapError as error:
            log.warning("TAP: every step is computed in full. %s", error)
            return None
        reason = why_not_reached(diffusion_model)
        if not reason and not isinstance(adapter, InOutAdapter):
            missing = missing_part(adapter, diffusion_model)
            reason = f"it is not as TAP knows it ({missing})" if missing else ""
        if reason:
            run.step_aside(f"{name} is computed in full: {reason}.")
        return Sampling(run, adapter)


def evaluate(executor: WrapperExecutor, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
    """PREDICT_NOISE: one model evaluation of the sampler; all its conditions share one decision."""
    options = executor.class_obj.model_options.get("transformer_options", {})
    sampling = sampling_of(options)
    if sampling is None:
        return executor(x, timestep, *args, **kwargs)
    sampling.begin(float(timestep.flatten()[0]), x)
    denoised = sampling.run.approximation
    if denoised is None:
        denoised = executor(x, timestep, *args, **kwargs)
    else:
        sampling.run.count_call(skipped=True)
    denoised = sampling.run.finish(x, denoised)
    if LIVE_KEY in options:
        options[LIVE_KEY].evaluated()
    return denoised
