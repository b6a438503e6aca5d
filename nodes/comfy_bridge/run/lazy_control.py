"""ControlNets wait until the model call knows whether its blocks are run."""

from comfy.patcher_extension import WrapperExecutor
from torch import Tensor

from .foresee import only_shown, parts_at_work
from .sampling import sampling_of
from .waiting_control import WaitingControl


def calc_cond_batch(executor: WrapperExecutor, model: object, conditions: list, *args: object) -> list[Tensor]:
    """CALC_COND_BATCH: ControlNets wait until the model call knows whether its blocks are run.

    The first one of a run also notes what its conditions are, which may come in several model calls.
    """
    sampling = sampling_of(args[-1].get("transformer_options", {}))
    if sampling is None or not sampling.run.evaluating or sampling.run.notes.fell_back:
        return executor(model, conditions, *args)
    if sampling.live is not None and sampling.live.awaits_cache:
        sampling.parts = only_shown(lambda: parts_at_work(sampling, model, conditions, *args), [])
    if not sampling.run.decider.skips_any:
        return executor(model, conditions, *args)
    sampling.wrapped = "model_function_wrapper" in args[-1]
    if sampling.wrapped:  # it may hand the ControlNet itself a part of the picture
        return executor(model, conditions, *args)
    waiting: dict[int, WaitingControl] = {}

    def patient(condition: dict) -> dict:
        control = condition.get("control")
        if control is None or isinstance(control, WaitingControl):
            return condition
        # ComfyUI batches conditions that share one object.
        return {**condition, "control": waiting.setdefault(id(control), WaitingControl(control))}

    return executor(model, [side and [patient(each) for each in side] for side in conditions], *args)
