"""The memory that a run's histories will take, known when its first call reaches block 0, before any block runs."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from comfy.samplers import get_area_and_mult
from torch import Tensor, nn

from ....tap_core.engine.probe_channels import strided_probe
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
    frames = frames_of_windows(model, whole, model_options)
    return [(*shape[:handler.dim], count, *shape[handler.dim + 1:]) for count in frames for shape in shapes]


def frames_of_windows(model: object, whole: Tensor, model_options: dict) -> list[int]:
    """Frames that the model gets for each window of a video: ComfyUI may add the frame before the window."""
    handler = model_options["context_handler"]
    windows = [each.index_list for each in handler.get_context_windows(model, whole, model_options)]
    fixes = getattr(handler, "causal_window_fix", False)
    return [len(window) + (bool(fixes) and window[0] > 0) for window in windows]


def share_in_windows(model: object, shape: Shape, model_options: dict) -> float:
    """How often the model gets a frame of a video [B, C, T, H, W] in all windows together; 1 without windows."""
    handler = model_options.get("context_handler")
    if handler is None or len(shape) < 5 or shape[handler.dim] <= handler.context_length:
        return 1.0
    return sum(frames_of_windows(model, torch.empty(shape, device=META), model_options)) / shape[handler.dim]


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
        tokens = tokens.repeat(1, 1, 2) if _has_variance(call, tokens.shape[-1]) else tokens
    return probe.nbytes + tokens.nbytes


def _has_variance(call: CallContext, width: int) -> bool:
    """Whether the output layer has twice the picture's channels."""
    named = call.adapter.output_layer(call.model)
    layers = [layer for layer in (named if isinstance(named, list) else [named]) if isinstance(layer, nn.Module)]
    widths = {getattr(part, "out_features", 0) for layer in layers for part in layer.modules()}
    return 2 * width in widths and width not in widths
