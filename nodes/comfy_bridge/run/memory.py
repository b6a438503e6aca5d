"""Memory on the device for the histories of a run: ComfyUI is told before it loads the model."""

import math

import torch
from comfy.patcher_extension import WrapperExecutor
from torch import nn

from ....tap_core.engine.probe_channels import strided_probe
from ..seam.adapter import Adapter
from ..seam.call_target import CALL_TARGETS
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from ..seam.shadow import Shadow, shadowed
from .run_state import RunState, state_of


def prepare_sampling(executor: WrapperExecutor, model: object, shape: tuple[int, ...], conditions: dict[str, list],
              *args: object, **kwargs: object) -> object:
    """PREPARE_SAMPLING: add the histories to ComfyUI's estimate for latents of this shape."""
    options = kwargs.get("model_options") or {}
    state = state_of(options.get("transformer_options", {}))
    count = sum(map(len, conditions.values()))
    extra = history_bytes(state, model.model, tuple(shape), count) if state is not None else 0
    if not extra:
        return executor(model, shape, conditions, *args, **kwargs)
    estimate = model.model.memory_required

    def with_histories(*args: object, **kwargs: object) -> float:
        return estimate(*args, **kwargs) + extra

    with shadowed([Shadow(model.model, "memory_required", with_histories)]):
        return executor(model, shape, conditions, *args, **kwargs)


def history_bytes(state: RunState, base: nn.Module, shape: tuple[int, ...], conditions: int) -> int:
    """Bytes of all snapshots on the model's device for latents [B, C, (T,) H, W]; 0 for packed latents, whose
    shape does not show their size.
    """
    run, adapter = state.run, state.adapter
    if run.notes.fell_back or not run.decider.skips_any or run.settings.cache_device == "cpu" or len(shape) < 4:
        return 0
    model = plain_module(base.diffusion_model)
    tokens = shape[0] * math.prod(adapter.grid(model, torch.empty(shape, device="meta")))
    output, bytes_each = shape[1] * math.prod(adapter.patch(model)), _computed_in(base).itemsize
    width = output if isinstance(adapter, InOutAdapter) else probe_width(adapter, model)
    kind = run.settings.target
    in_float = 4 * output * (2 if kind == "auto" else 1)
    target = in_float if kind in CALL_TARGETS else bytes_each * (width if kind == "residual" else output)
    # Tensors on the meta device take no memory.
    probe = strided_probe(torch.empty(1, 1, width, device="meta"), run.settings.probe_stride).shape[-1] * bytes_each
    return conditions * run.pool.snapshots * tokens * (probe + target)


def _computed_in(base: nn.Module) -> torch.dtype:
    """The type that the model computes in: fp8 weights are cast."""
    return getattr(base, "manual_cast_dtype", None) or base.get_dtype()


def probe_width(adapter: Adapter, model: nn.Module) -> int:
    """Channels of the probe: the input width of block 0's attention; 0 if it has none to read."""
    named = adapter.attention_input(plain_module(adapter.first_block(model)))
    parts = [named] if isinstance(named, nn.Module) else named
    return max((part.in_features for module in parts for part in module.modules() if hasattr(part, "in_features")),
               default=0)
