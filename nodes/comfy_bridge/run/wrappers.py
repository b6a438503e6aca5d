"""TAP's wrappers around ComfyUI's sampling: one run per sampling, one decision per model evaluation."""

import logging
from collections.abc import Sequence

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from torch import Tensor

from ....tap_core.errors import TapError
from ....tap_core.record.record import RecordHolder
from ....tap_core.record.summary import summary_line
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import TapSettings
from ..adapters.find_adapter import find_adapter, why_in_full
from ..live.live_run import LiveRun, tell_nothing_is_skipped
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from .lazy_control import calc_cond_batch
from .memory import make_room
from .model_call import apply_model
from .sampling import RUN_KEY, Sampling, sampling_of

KEY = "tap"
# Samplers of ComfyUI that take up to four past slopes as they were.
REMEMBERING = ("sample_lms", "sample_ipndm", "sample_ipndm_v")

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
            WrappersMP.PREPARE_SAMPLING: make_room,
            WrappersMP.PREDICT_NOISE: evaluate,
            WrappersMP.CALC_COND_BATCH: calc_cond_batch,
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
        if sampling is not None:
            _leave_memory_alone(sampling.run, sampler)
            mask = kwargs.get("denoise_mask", args[0] if args else None)
            sampling.run.motion.kept = mask < 1 if isinstance(mask, Tensor) and mask.shape == noise.shape else None
        options = guider.model_options.setdefault("transformer_options", {})
        if sampling is not None:
            sampling.live = LiveRun(sampling.run, self.node)
        options[RUN_KEY] = sampling
        _move_inside(options.get("wrappers", {}).get(WrappersMP.APPLY_MODEL, {}))
        try:
            output = executor(noise, latent, sampler, sigmas, *args, **kwargs)
            complete = True
            return output
        finally:
            options.pop(RUN_KEY, None)
            if sampling is not None:
                self.end(sampling.run, complete)
                sampling.live.ended()

    def make_run(self, sigmas: Sequence[float], model: str, guider: object) -> TapRun:
        """The run of one sampling. Raises TapError if its settings do not fit the sigmas."""
        return TapRun(self.settings, sigmas, model, mixes_noise(guider))

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
            tell_nothing_is_skipped(self.node, str(error), len(sigmas) - 1)
            return None
        reason = _why_rival(guider) or why_in_full(adapter, diffusion_model, name)
        if reason:
            run.notes.fall_back(reason)
        return Sampling(run, adapter, diffusion_model)


def mixes_noise(guider: object) -> bool | None:
    """Whether the guider's model takes a mix of picture and noise, as flow models do; None where that is not known."""
    sampling = guider.model_patcher.get_model_object("model_sampling")
    try:
        picture = sampling.noise_scaling(torch.tensor([0.5]), torch.zeros(1, 1), torch.ones(1, 1))
        return bool(picture.max() < 1)
    except Exception:  # a class of another node
        return None


def _leave_memory_alone(run: TapRun, sampler: object) -> None:
    """Repay no drift where the sampler weighs the slopes of past steps: each would carry the repayment on.

    While a first gap repeats one slope such a sampler moves as a plain one does, so that it cannot be seen in time.
    """
    if run.drift is not None and getattr(getattr(sampler, "sampler_function", None), "__name__", "") in REMEMBERING:
        run.drift = None
        run.notes.note("Drift was not repaid: this sampler does more than plain steps.")


def _why_rival(guider: object) -> str:
    """Why another cache on the model leaves nothing to forecast, or nothing."""
    cache = guider.model_options.get("transformer_options", {}).get("easycache")
    if cache is None:
        return ""
    rival = getattr(cache, "name", "EasyCache")
    return (f"{rival} is on the same model and skips steps by itself; TAP computes in full what it leaves. Take "
            "out one of the two nodes.")


def evaluate(executor: WrapperExecutor, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
    """PREDICT_NOISE: one model evaluation of the sampler; all its conditions share one decision."""
    options = executor.class_obj.model_options
    sampling = sampling_of(options.get("transformer_options", {}))
    if sampling is None:
        return executor(x, timestep, *args, **kwargs)
    if _adds_guidance_anew(options, *args, **kwargs):
        sampling.run.notes.fall_back("A CFG++ sampler adds the whole guidance anew at every step, so that small errors "
                                     "of forecasts grow; every step was computed in full. Choose the sampler without "
                                     "cfg_pp.")
    sampling.begin(float(timestep.flatten()[0]), x, next(iter(options.get("multigpu_clones", ())), None))
    denoised = sampling.run.decider.approximation
    if denoised is None:
        try:
            denoised = executor(x, timestep, *args, **kwargs)
        finally:
            sampling.decided.set()  # whatever became of the call that decides, no other waits for it
    else:
        sampling.run.count_call(skipped=True)
    denoised = sampling.run.finish(x, denoised)
    if sampling.live is not None:
        sampling.live.evaluated()
    return denoised


def _adds_guidance_anew(own: dict, model_options: dict | None = None, *_: object, **__: object) -> bool:
    """Whether the sampler takes the guidance apart, as CFG++ does by a function of its own behind the model's."""
    kind = "sampler_post_cfg_function"
    return len((model_options or {}).get(kind, ())) > len(own.get(kind, ()))


def _move_inside(wrappers: dict) -> None:
    """Put TAP's wrapper behind all others: a call reaches it as they made it, with the model that they compiled."""
    if KEY in wrappers:
        wrappers[KEY] = wrappers.pop(KEY)
