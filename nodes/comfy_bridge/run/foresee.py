"""What the histories of a run will take: known when its first call reaches block 0, before any block is computed."""

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
from ..seam.targets import Caught
from .call import Call
from .sampling import Sampling

# The meta device counts without memory.
META = "meta"
T = TypeVar("T")

log = logging.getLogger("tap")


def only_shown(work_out: Callable[[], T], otherwise: T) -> T:
    """A figure that is only shown: what another node does in its own way may not end a run for it."""
    try:
        return work_out()
    except Exception:
        log.debug("TAP: what the run's memory will take is not known.", exc_info=True)
        return otherwise


def parts_at_work(sampling: Sampling, model: object, conditions: Sequence[Sequence[dict] | None], x: Tensor,
                  timestep: Tensor, model_options: dict) -> list[Shape]:
    """The shape of the part of x [B, C, ...] that each condition of this evaluation is given, in every window of it."""
    plain = [each for side in conditions for each in side or () if "default" not in each]
    parts = [get_area_and_mult(each, x, timestep) for each in plain]
    shapes = [tuple(part.input_x.shape) for part in parts if part is not None]
    handler, whole = model_options.get("context_handler"), sampling.run.decider.seen.x
    # Packed latents, of video with sound, are not looked into.
    if handler is None or whole is None or whole.ndim < 5 or whole.shape == x.shape:
        return shapes
    windows = handler.get_context_windows(model, whole, model_options)
    frames = [_frames(window.index_list, handler) for window in windows]
    return [(*shape[:handler.dim], count, *shape[handler.dim + 1:]) for count in frames for shape in shapes]


def _frames(window: Sequence[int], handler: object) -> int:
    """Frames that the model is given for a window: ComfyUI may put the one before it in front."""
    return len(window) + (bool(getattr(handler, "causal_window_fix", False)) and window[0] > 0)


def bytes_of_step(call: Call, caught: Caught) -> int:
    """What a full step leaves in the histories of all conditions of the run, by what its first call shows of one."""
    mine = (len(call.x) // len(call.keys), *call.x.shape[1:])
    parts = call.sampling.parts or [mine] * len(call.keys)
    tokens = sum(shape[0] * (call.cut.count if shape[1:] == mine[1:] else _count(call, shape)) for shape in parts)
    return tokens * _bytes_of_token(call, caught)


def _count(call: Call, shape: Shape) -> int:
    return math.prod(call.adapter.grid(call.model, torch.empty(shape, device=META)))


def _bytes_of_token(call: Call, caught: Caught) -> int:
    kind, stride = call.tap.settings.target, call.tap.settings.probe_stride
    probe = strided_probe(torch.empty_like(caught.probe[:1, :1], device=META), stride)
    if kind in CALL_TARGETS or isinstance(call.adapter, InOutAdapter):
        target = call.call_target(kind if kind in CALL_TARGETS else "slope")
        x = target.x.to(META)
        tokens = replace(target, x=x, sigma=target.sigma.to(META), noisy=None).read(x)[:1, :1]
    elif kind == "residual":
        tokens = caught.start[:1, :1]
    else:
        tokens = call.cut.tokens(call.x.to(META))[:1, :1].to(probe.dtype)
        # Models that learnt a variance give as many channels of it behind the picture's.
        tokens = tokens.repeat(1, 1, 2) if _gives_twice(call, tokens.shape[-1]) else tokens
    return probe.nbytes + tokens.nbytes


def _gives_twice(call: Call, width: int) -> bool:
    """Whether the output layer has twice the picture's channels."""
    named = call.adapter.output_layer(call.model)
    layers = [layer for layer in (named if isinstance(named, list) else [named]) if isinstance(layer, nn.Module)]
    widths = {getattr(part, "out_features", 0) for layer in layers for part in layer.modules()}
    return 2 * width in widths and width not in widths
