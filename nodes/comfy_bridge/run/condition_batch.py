"""What TAP does before ComfyUI puts the conditions of an evaluation into batches."""

from comfy.patcher_extension import WrapperExecutor
from torch import Tensor

from .expected_memory import figure_or, parts_of_conditions
from .run_state import state_of
from .waiting_control import WaitingControl


def none_is_active(conds: list, timestep: Tensor) -> bool:
    """Whether each prompt of an evaluation is out of its range of steps: ComfyUI answers zeros without a model call."""
    now = timestep[0]
    return not any(each.get("timestep_start", now) >= now >= each.get("timestep_end", now)
                   for side in conds for each in side or ())


# Named as in ComfyUI: other nodes hand on some of these by name.
def calc_cond_batch(executor: WrapperExecutor, model: object, conds: list, x_in: Tensor, timestep: Tensor,
                    model_options: dict, *args: object, **kwargs: object) -> list[Tensor]:
    """CALC_COND_BATCH: ControlNets wait until the model call knows whether its blocks are run.

    The first one of a run also notes the parts of all its conditions, which may come in several model calls.
    """
    state = state_of(model_options.get("transformer_options", {}), model)
    if state is not None:
        state.call_comes()
        state.conditions = conds, timestep
    rest = (x_in, timestep, model_options, *args)
    if state is None or not state.run.evaluating or state.run.notes.fell_back:
        return executor(model, conds, *rest, **kwargs)
    if state.live is not None and state.live.awaits_cache:
        state.parts = figure_or([], lambda: parts_of_conditions(state, model, conds, x_in, timestep, model_options))
    if not state.run.decider.skips_any:
        return executor(model, conds, *rest, **kwargs)
    state.wrapped = "model_function_wrapper" in model_options
    if state.wrapped:  # it may run the ControlNet itself on a part of the picture
        return executor(model, conds, *rest, **kwargs)
    waiting: dict[int, WaitingControl] = {}

    def with_waiting_control(condition: dict) -> dict:
        control = condition.get("control")
        if control is None or isinstance(control, WaitingControl):
            return condition
        # ComfyUI batches conditions that share one object.
        return {**condition, "control": waiting.setdefault(id(control), WaitingControl(control))}

    return executor(model, [side and [with_waiting_control(each) for each in side] for side in conds], *rest,
                    **kwargs)
