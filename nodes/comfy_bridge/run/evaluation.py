"""One model evaluation of the sampler: how it begins, also where the guider calls the model in its own way."""

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from ....tap_core.sampling.run import TapRun
from ..seam.replacer import answerer
from .condition import name_of
from .condition_batch import none_is_active
from .expected_memory import figure_or
from .memory import tell_more
from .others import others_wrap
from .run_state import RunState

TAKES_APART = ("The sampler, or another node, takes the guidance apart by a function of its own, as CFG++ samplers do, "
               "and small errors of forecasts grow by that; every step was computed in full. Choose another sampler, "
               "such as euler or dpmpp_2m, or remove that node.")
# Why a step without a model call counts as computed: there is nothing to forecast.
NO_PROMPT = "no prompt is active"
# What a sampler may add to the functions of the model, or put in their place.
ADDED = ("sampler_pre_cfg_function", "sampler_post_cfg_function")
REPLACED = ("sampler_cfg_function", "sampler_calc_cond_batch_function")


def begin(state: RunState, own: dict, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> None:
    """The evaluation of x [B, C, ...] begins. own: the guider's options; then what else the guider was called with."""
    if _takes_guidance_apart(own, *args, **kwargs):
        state.run.notes.fall_back(TAKES_APART)
    state.begin(state.run.sigma_of(timestep), x, next(iter(own.get("multigpu_clones", ())), None))


def finish(state: RunState, own: dict, x: Tensor, denoised: Tensor) -> None:
    """The evaluation is over. x, denoised: [B, C, ...]."""
    now = state.run.record.evaluations[-1]
    if not (now.full or now.part or now.skipped):
        if state.conditions is not None and none_is_active(*state.conditions):
            state.keys.has_none()
            state.run.decider.seen.empty = True
            state.run.count_call(skipped=False, reason=NO_PROMPT)
        else:
            _fall_back_at_answer(state, own)
    if state.keys.are_others():
        _breaks(state.run)
    state.run.finish(x, denoised)
    if others_wrap(own.get("transformer_options", {}), (WrappersMP.PREDICT_NOISE,)):
        state.run.forget_slopes()  # another node's wrapper may write into what it hands on
    if now.full:
        figure_or(None, lambda: tell_more(state, x.device))
    if state.live is not None:
        state.live.evaluated()


def _breaks(run: TapRun) -> None:
    """The evaluation that ends now has other conditions: its slope does not go on from those before it."""
    run.standing.breaks()
    if run.replay is not None:
        run.replay.breaks()


def _fall_back_at_answer(state: RunState, own: dict) -> None:
    """A step was answered without a model call; one that never had any is none of TAP's."""
    run = state.run
    if (run.standing.known or not run.notes.fell_back) and any(each.full for each in run.record.evaluations):
        name = answerer(own)
        run.fall_back_blind(f"Another node{name and f' ({name})'} answered in place of the model, as caches do; TAP "
                             "computes all other steps in full. Remove that node, or TAP.")


def is_differentiated(*inputs: Tensor) -> bool:
    """Whether somebody differentiates this evaluation, forwards or backwards; ComfyUI itself runs without gradients."""
    # Not public, and the pack must load without it.
    wrapped = getattr(torch._C._functorch, "is_functorch_wrapped_tensor", lambda _: False)
    return torch.is_grad_enabled() or any(wrapped(each) or unpack_dual(each).tangent is not None for each in inputs)


class OwnCalls:
    """Guiders may call the model past the PREDICT_NOISE wrappers: then an evaluation begins at its first model call."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def answer(self, guider: object, x: Tensor, sigma: Tensor, *args: object, **kwargs: object) -> Tensor:
        """The guider's denoised picture [B, C, ...] of one evaluation."""
        if is_differentiated(x, sigma):
            return guider(x, sigma, *args, **kwargs)
        state, begun = self._state, []
        seen = len(state.run.record.evaluations)

        def begins() -> None:
            begun.append(True)
            begin(state, guider.model_options, x, sigma, *args, **kwargs)

        state.awaited, state.asked = begins, x
        try:
            denoised = guider(x, sigma, *args, **kwargs)
        finally:
            state.awaited = state.asked = None
            if begun:
                state.decided.set()
        if begun:
            finish(state, guider.model_options, x, denoised)
        elif len(state.run.record.evaluations) == seen:
            _fall_back_at_answer(state, guider.model_options)
        return denoised


def _takes_guidance_apart(own: dict, model_options: dict | None = None, *_: object, **__: object) -> bool:
    """Whether the sampler reads or changes the guidance by functions that the guider's options do not have."""
    given = own if model_options is None else model_options
    return (any(len(given.get(kind, ())) > len(own.get(kind, ())) for kind in ADDED)
            or any(_name(given.get(kind)) != _name(own.get(kind)) for kind in REPLACED))


def _name(call: object) -> str:
    """Of a function that some nodes copy with the options at every step."""
    return "" if call is None else name_of(call)
