"""Context windows that lie elsewhere at every step: a window is forecast only from its own past, and has none there."""

from collections.abc import Sequence

import torch

from .expected_memory import META, figure_or, windows_at

# Where fewer of the steps than this share have only windows that came before, forecasting saves next to nothing.
WORTH_IT = 0.5
WINDOWS_MOVE = ("The context windows of schedule {name} lie elsewhere at nearly every step, and TAP forecasts a window "
                "only from its own past; every step is computed in full. Choose context_schedule standard_static or "
                "batched in the node for context windows.")


def why_windows_move(model: object, shape: Sequence[int], model_options: dict, steps: int) -> str:
    """Why a video [B, C, T, H, W] that is made in windows cannot be forecast; "" if it can, or has no windows."""
    handler = model_options.get("context_handler")
    if handler is None:
        return ""
    known = figure_or(steps, lambda: _steps_known(handler, model, shape, model_options, steps))
    name = getattr(getattr(handler, "context_schedule", None), "name", "")
    return WINDOWS_MOVE.format(name=name) if known < WORTH_IT * steps else ""


def _steps_known(handler: object, model: object, shape: Sequence[int], model_options: dict, steps: int) -> int:
    """How many steps have only windows that an earlier one had, or are the first."""
    if shape[handler.dim] <= handler.context_length:
        return steps
    video = torch.empty(tuple(shape), device=META)
    seen: set[tuple[int, ...]] = set()
    known = 0
    for step in range(steps):
        windows = set(windows_at(step, handler, model, video, model_options))
        known += not seen or windows <= seen
        seen |= windows
    return known
