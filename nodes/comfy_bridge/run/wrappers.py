"""TAP's wrappers around ComfyUI's sampling: one run for each sampling, one decision for each model evaluation.

In the order in which ComfyUI calls them: OUTER_SAMPLE makes the run, PREPARE_SAMPLING (memory.py) asks for memory, and
SAMPLER_SAMPLE (replaying.py) lets the sampler go again where there is drift to repay. Then for each evaluation
PREDICT_NOISE decides, full or skipped, CALC_COND_BATCH (condition_batch.py) makes ControlNets wait, and APPLY_MODEL
(model_call.py), once for each batch of conditions, computes or forecasts the call.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import CallbacksMP, WrapperExecutor, WrappersMP
from torch import Tensor, nn

from ....tap_core.errors import TapError
from ....tap_core.record.holder import RecordHolder
from ....tap_core.record.record import TapRecord
from ....tap_core.record.summary import summary_line
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import TapSettings
from ..adapters.find_adapter import find_adapter, how_to_ask, why_in_full
from ..live.live_run import LiveRun, tell_nothing_is_skipped
from ..live.prompts import prompt_now
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from .condition import name_of
from .condition_batch import calc_cond_batch
from .evaluation import begin, finish, is_differentiated
from .memory import prepare_sampling
from .model_call import apply_model
from .moving_windows import why_windows_move
from .others import KEY, watch
from .replaying import sampler_sample
from .run_state import RUN_KEY, RunState, running, state_of
from .second_model import ALONE, FOLLOWS, leaders, leading, leads, record_of_none

DIFFERENTIATED = ("The sampler or another node takes derivatives of the model's answer, and a forecast has none; every "
                  "step was computed in full from there on. Choose a sampler that only calls the model, such as euler.")
REPLACED = ("Another TAP node behind this one takes its place on the model. Remove one of the two, or look at the last "
            "one.")
TRAINED = ("The model is being trained, and nothing is forecast there; every step is computed in full. Remove TAP "
           "Accelerate from the model that is trained.")

log = logging.getLogger("tap")


class TapPatch:
    """The settings of one TAP Accelerate node, and where its records go; it has no state of a run.

    node: its id in the prompt, so that the browser can find it.
    """

    def __init__(self, settings: TapSettings, holder: RecordHolder, node: str = "") -> None:
        self.settings, self.holder, self.node = settings, holder, node

    def __deepcopy__(self, memo: dict) -> "TapPatch":
        """The same node: in a deep copy of the options its wrappers fill the same holder."""
        return self

    def install(self, model: ModelPatcher) -> None:
        """Add the wrappers to a cloned model; they replace those of an earlier TAP node."""
        wrappers = {
            WrappersMP.OUTER_SAMPLE: self.outer_sample,
            WrappersMP.PREPARE_SAMPLING: prepare_sampling,
            WrappersMP.SAMPLER_SAMPLE: sampler_sample,
            WrappersMP.PREDICT_NOISE: predict_noise,
            WrappersMP.CALC_COND_BATCH: calc_cond_batch,
            WrappersMP.APPLY_MODEL: apply_model,
        }
        for earlier in model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
            earlier.__self__.holder.give_way(REPLACED, prompt_now())
        for kind, wrapper in wrappers.items():
            model.remove_wrappers_with_key(kind, KEY)
            model.add_wrapper_with_key(kind, KEY, wrapper)
        model.remove_callbacks_with_key(CallbacksMP.ON_PRE_RUN, KEY)
        model.add_callback_with_key(CallbacksMP.ON_PRE_RUN, KEY, self.before_run)

    # Named as in ComfyUI: other nodes hand on some of these by name.
    def outer_sample(self, executor: WrapperExecutor, noise: Tensor, latent_image: Tensor, sampler: object,
                     sigmas: Tensor, *args: object, **kwargs: object) -> Tensor:
        """OUTER_SAMPLE: make the run, and free it in any case. Gives the sampled latent, shaped as noise.

        noise, latent_image: [B, C, ...], or several packed into one, [B, 1, N], of latent_shapes. sigmas: [steps + 1].
        """
        self.holder.clear()
        guider, complete = executor.class_obj, False
        shapes = kwargs.get("latent_shapes") or [noise.shape]
        state = self._start(guider, sigmas, shapes[0])
        if state is not None:
            mask = kwargs.get("denoise_mask", args[0] if args else None)
            self._prepare(state, noise, mask, shapes)
            state.run.record.sampler = name_of(getattr(sampler, "sampler_function", sampler))
        options = guider.model_options.setdefault("transformer_options", {})
        options[RUN_KEY] = state
        for kind in (WrappersMP.APPLY_MODEL, WrappersMP.SAMPLER_SAMPLE):
            _make_innermost(options.get("wrappers", {}).get(kind, {}))
        try:
            if state is not None:
                args, kwargs = _telling_steps(state.run, *args, **kwargs)
            with leading(self, state), running(guider.model_patcher.model, state):
                output = executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
            complete = True
            return output
        finally:
            options.pop(RUN_KEY, None)
            if state is not None:
                self.end(state.run, complete)
                state.live.ended()
                for tell in state.followers:
                    tell(state.run.record, state.live)

    def _prepare(self, state: RunState, noise: Tensor, mask: object, shapes: Sequence[Sequence[int]]) -> None:
        """Tell a new run of its latent, and the browser of the run."""
        state.run.motion.kept = mask < 1 if isinstance(mask, Tensor) and mask.shape == noise.shape else None
        state.run.keep_within_limit(noise.numel() * torch.float32.itemsize)
        state.live = LiveRun(state.run, self.node)
        state.shapes = shapes
        if not noise.any():  # the picture comes with the noise that another sampling has left in it
            state.run.record.part_of_run = True

    def before_run(self, model: ModelPatcher) -> None:
        """ON_PRE_RUN: all that is called of a TAP node whose model is a second one of the guider."""
        if leads(self):
            return
        self.holder.clear()
        if not leaders():
            self.passed_by(type(model.model).__name__)
        elif leaders()[-1].state is not None:
            leaders()[-1].state.followers.append(self.followed)

    def followed(self, record: TapRecord, live: LiveRun) -> None:
        """The run of the guider's first model has ended; it was this one's, too."""
        self.holder.fill(replace(record, fallbacks=[*record.fallbacks, FOLLOWS]), prompt_now())
        live.ended_beside(self.node, record)

    def passed_by(self, model: str) -> None:
        """This model runs beside one that has no TAP node."""
        self.has_none(model, ALONE)
        log.info("TAP: %s", ALONE)
        tell_nothing_is_skipped(self.node, ALONE, 0)

    def make_run(self, sigmas: Sequence[float], model: str, guider: object) -> TapRun:
        """The run of one sampling. Raises TapError if its settings do not fit the sigmas."""
        return TapRun(self.settings, sigmas, model, mixes_noise(guider), guidance_of(guider), sigma_of_share(guider))

    def end(self, run: TapRun, complete: bool) -> None:
        """The run has ended or was interrupted: put its record into the holder."""
        self.holder.fill(run.close(complete), prompt_now())
        log.info("TAP: %s", summary_line(run.record))

    def has_none(self, model: str, why: str) -> None:
        """There is no run of this sampling."""
        self.holder.fill(record_of_none(model, why), prompt_now())

    def _start(self, guider: object, sigmas: Tensor, shape: Sequence[int]) -> RunState | None:
        """The state of a new run of latents of a shape [B, C, ...]; None if there is none to make."""
        model = guider.model_patcher.model
        diffusion_model = plain_module(model.diffusion_model)
        adapter, name = find_adapter(diffusion_model), type(model).__name__
        if isinstance(adapter, InOutAdapter):
            name += f" ({adapter.name})"
        run = self._run_of(guider, diffusion_model, sigmas, name)
        if run is None:
            return None
        reason = _why_other_cache(guider) or why_in_full(adapter, diffusion_model, name)
        if not reason and run.decider.skips_any:
            reason = why_windows_move(model, shape, guider.model_options, run.timeline.steps)
        state = RunState(run, adapter, diffusion_model)
        if reason:
            run.fall_back_blind(reason)
            return state
        state.blocks_of(diffusion_model, adapter)  # before another node's wrapper may change it in a call
        if run.decider.skips_any and (said := how_to_ask(diffusion_model)):
            run.notes.note(said)
        return state

    def _run_of(self, guider: object, diffusion_model: nn.Module, sigmas: Tensor, name: str) -> TapRun | None:
        """The run of a sampling; None, and why is told, while the model is trained or the settings do not fit."""
        if diffusion_model.training and torch.is_grad_enabled():
            log.info("TAP: %s", TRAINED)
            return self._go_without(name, TRAINED, sigmas)
        try:
            return self.make_run(sigmas.tolist(), name, guider)
        except TapError as error:
            log.warning("TAP: every step is computed in full. %s", error)
            return self._go_without(name, str(error), sigmas)

    def _go_without(self, model: str, why: str, sigmas: Tensor) -> None:
        """Sample without a run, and tell the views and the browser why."""
        self.has_none(model, why)
        tell_nothing_is_skipped(self.node, why, len(sigmas) - 1)


def guidance_of(guider: object) -> float | None:
    """The cfg of a guider, the stronger one of two prompts (DualCFGGuider); None if it tells none."""
    of_two = [getattr(guider, name, None) for name in ("cfg1", "cfg2")]
    known = [float(cfg) for cfg in of_two if isinstance(cfg, int | float)]
    cfg = max(known) if known else getattr(guider, "cfg", None)
    return float(cfg) if isinstance(cfg, int | float) else None


def sigma_of_share(guider: object) -> Callable[[float], float] | None:
    """The sigma at a share of the noise levels of the guider's model; None for a class without it."""
    return getattr(guider.model_patcher.get_model_object("model_sampling"), "percent_to_sigma", None)


def mixes_noise(guider: object) -> bool | None:
    """Whether the guider's model takes a mix of picture and noise, as flow models do; None if that is not known."""
    sampling = guider.model_patcher.get_model_object("model_sampling")
    try:
        picture = sampling.noise_scaling(torch.tensor([0.5]), torch.zeros(1, 1), torch.ones(1, 1))
        return bool(picture.max() < 1)
    except Exception:  # a class of another node
        return None


def _telling_steps(run: TapRun, mask: Tensor | None = None, callback: Callable[..., None] | None = None,
                   *args: object, denoise_mask: Tensor | None = None, **kwargs: object) -> tuple[tuple, dict]:
    """OUTER_SAMPLE's other inputs, with a callback that also tells the run when the sampler has done a step."""

    def tell(*step: object, **named: object) -> None:
        run.pace.told()
        if callback is not None:
            callback(*step, **named)

    return (denoise_mask if mask is None else mask, tell, *args), kwargs


def _why_other_cache(guider: object) -> str:
    """Why another cache on the model leaves nothing to forecast; "" if there is none."""
    cache = guider.model_options.get("transformer_options", {}).get("easycache")
    if cache is None:
        return ""
    name = getattr(cache, "name", "EasyCache")
    return (f"{name} is on the same model and skips steps by itself; TAP computes all other steps in full. "
            "Remove one of the two nodes.")


def predict_noise(executor: WrapperExecutor, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
    """PREDICT_NOISE: one model evaluation of the sampler, with one decision for all its conditions.

    x: [B, C, ...]; timestep: [B], the sigma that the model is told. Gives the denoised picture, shaped as x.
    """
    options = executor.class_obj.model_options
    state = state_of(options.get("transformer_options", {}))
    if state is None:
        return executor(x, timestep, *args, **kwargs)
    asked, state.awaited, state.asked = state.asked, None, None
    if is_differentiated(x, timestep):
        state.run.fall_back_blind(DIFFERENTIATED)
        with state.run.unseen(float(timestep.detach().flatten()[0]), x.device):
            return executor(x, timestep, *args, **kwargs)
    begin(state, options, x, timestep, *args, **kwargs)
    watch(state.run, options.get("transformer_options", {}), asked, x)
    denoised = state.run.decider.approximation
    if denoised is None:
        try:
            denoised = executor(x, timestep, *args, **kwargs)
        finally:
            state.decided.set()  # even if the deciding call failed, no other call waits for it
    else:
        state.run.count_call(skipped=True)
    finish(state, options, x, denoised)
    return denoised


def _make_innermost(wrappers: dict) -> None:
    """Put TAP's wrapper after all others: it gets the call as they changed it, and what it does twice they do once."""
    if KEY in wrappers:
        wrappers[KEY] = wrappers.pop(KEY)
