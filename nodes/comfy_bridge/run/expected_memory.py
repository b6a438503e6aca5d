"""The memory that a run's histories will take, known when its first call reaches block 0, before any block runs."""

import logging
import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import TypeVar

import torch
from comfy.samplers import get_area_and_mult
from torch import Tensor, nn

from ....tap_core.engine.history import Snapshot
from ....tap_core.engine.probe_channels import strided_probe
from ....tap_core.sampling.memory import Memory
from ....tap_core.sampling.notes import Notes
from ....tap_core.sampling.run import TapRun
from ..live.plan import snapshots_kept
from ..seam.adapter import Adapter
from ..seam.call_target import CALL_TARGETS
from ..seam.cut import Shape
from ..seam.in_out_seam import InOutAdapter
from ..seam.targets import Captured
from .call_context import CallContext
from .run_state import RunState

# Tensors on the meta device take no memory.
META = "meta"
T = TypeVar("T")

log = logging.getLogger("tap")


def figure_or(default: T, compute: Callable[[], T]) -> T:
    """A figure that is only shown, or the default on any error: what another node does must not end the run here."""
    try:
        return compute()
    except Exception:
        log.debug("TAP: what the run's memory will take is not known.", exc_info=True)
        return default


def parts_of_conditions(state: RunState, model: object, conditions: Sequence[Sequence[dict] | None], x: Tensor,
                        timestep: Tensor, model_options: dict) -> list[Shape]:
    """The shape of each condition's part of x [B, C, ...] in this evaluation, in every window of a video."""
    plain = [each for side in conditions for each in side or () if "default" not in each]
    parts = [get_area_and_mult(each, x, timestep) for each in plain]
    shapes = [tuple(part.input_x.shape) for part in parts if part is not None]
    handler, whole = model_options.get("context_handler"), state.run.decider.seen.x
    # Packed latents, of video with sound, are left out.
    if handler is None or whole is None or whole.ndim < 5 or whole.shape == x.shape:
        return shapes
    state.windowed = True
    # All windows of a video that the run will keep, as parts of equal length: bytes go by the number of frames.
    share = share_in_windows(state.run, model, tuple(whole.shape), model_options)
    frames = round(share * whole.shape[handler.dim])
    return [(*shape[:handler.dim], frames, *shape[handler.dim + 1:]) for shape in shapes]


def share_in_windows(run: TapRun, model: object, shape: Shape, model_options: dict) -> float:
    """What all windows of a video [B, C, T, H, W] keep, as a share of what the whole video would; 1 without windows.

    Windows may move from step to step: the steps are gone through, with a memory that holds only the sizes.
    """
    handler = model_options.get("context_handler")
    if handler is None or len(shape) < 5 or shape[handler.dim] <= handler.context_length:
        return 1.0
    whole, memory, most = torch.empty(shape, device=META), Memory(run.pool.snapshots, False, Notes([])), 0
    for step, full in enumerate(run.decider.planned or [True] * run.timeline.steps):
        windows = windows_at(step, handler, model, whole, model_options)
        missing = [window for window in windows if full or window not in memory.histories]
        for window in missing:
            tokens = torch.empty(1, len(window), 1, device=META)
            memory.fitting(window, 1, len(window)).push(Snapshot(float(step), tokens, tokens))
        if len(missing) == len(windows):
            memory.keep(float(step))
        most = max(most, memory.nbytes)
    return most / (2 * torch.float32.itemsize * shape[handler.dim] * max(snapshots_kept(run), 1))


def windows_at(step: int, handler: object, model: object, whole: Tensor, model_options: dict
               ) -> list[tuple[int, ...]]:
    """The frames that the model gets for each window: ComfyUI may add the frame before the window."""
    handler = copy(handler)
    handler._step = step
    windows = [tuple(each.index_list) for each in handler.get_context_windows(model, whole, model_options)]
    fixes = getattr(handler, "causal_window_fix", False)
    return [((window[0] - 1, *window) if fixes and window[0] > 0 else window) for window in windows]


def bytes_of_step(call: CallContext, captured: Captured) -> int:
    """What a full step adds to the histories of all conditions of the run, computed from its first call."""
    mine = (len(call.x) // len(call.keys), *call.x.shape[1:])
    parts = call.state.parts or [mine] * len(call.keys)
    tokens = sum(shape[0] * (call.cut.count if shape[1:] == mine[1:] else _count(call, shape)) for shape in parts)
    return tokens * _bytes_of_token(call, captured)


def _count(call: CallContext, shape: Shape) -> int:
    return math.prod(call.adapter.grid(call.model, torch.empty(shape, device=META)))


def _bytes_of_token(call: CallContext, captured: Captured) -> int:
    kind, stride = call.tap.settings.target, call.tap.settings.probe_stride
    probe = strided_probe(torch.empty_like(captured.probe[:1, :1], device=META), stride)
    if kind in CALL_TARGETS or isinstance(call.adapter, InOutAdapter):
        target = call.call_target(kind if kind in CALL_TARGETS else "slope")
        x = target.x.to(META)
        tokens = replace(target, x=x, sigma=target.sigma.to(META), noisy=None).read(x)[:1, :1]
    elif kind == "residual":
        tokens = captured.start[:1, :1]
    else:
        tokens = call.cut.tokens(call.x.to(META))[:1, :1].to(probe.dtype)
        # Models that learned a variance return as many channels of it after the picture's.
        tokens = tokens.repeat(1, 1, 2) if has_variance(call.adapter, call.model, tokens.shape[-1]) else tokens
    return probe.nbytes + tokens.nbytes


def has_variance(adapter: Adapter, model: nn.Module, width: int) -> bool:
    """Whether the output layer has twice the picture's channels, `width` of them for each token."""
    named = adapter.output_layer(model)
    layers = [layer for layer in (named if isinstance(named, list) else [named]) if isinstance(layer, nn.Module)]
    widths = {getattr(part, "out_features", 0) for layer in layers for part in layer.modules()}
    return 2 * width in widths and width not in widths
