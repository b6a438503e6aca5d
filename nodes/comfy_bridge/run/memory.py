"""Memory on the device for the histories of a run: ComfyUI is told before it loads the model."""

import functools
import math
from collections.abc import Sequence

import comfy.model_management
import torch
from comfy.patcher_extension import WrapperExecutor
from torch import nn

from ....tap_core.engine.probe_channels import strided_probe
from ..live.plan import expected_cache, snapshots_kept
from ..seam.adapter import Adapter
from ..seam.call_target import CALL_TARGETS
from ..seam.cut import Shape, cut_of, is_packed
from ..seam.hooks import listed
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from ..seam.shadow import Method, Shadow, shadowed
from .expected_memory import META, figure_or, has_variance, share_in_windows
from .run_state import RunState, state_of


# Named as in ComfyUI: other nodes hand on some of these by name.
def prepare_sampling(executor: WrapperExecutor, model: object, noise_shape: tuple[int, ...], conds: dict[str, list],
                     model_options: dict | None = None, *args: object, **kwargs: object) -> object:
    """PREPARE_SAMPLING: add the histories, and the latents of a replay, to ComfyUI's estimate.

    Not known yet: guidance that runs the model once more, wrappers that cut a picture into tiles, and samplers that
    evaluate steps twice or draw noise; see `tell_more`.
    """
    def hand_on() -> object:
        """ComfyUI's own wrappers want model_options by name."""
        if args:
            return executor(model, noise_shape, conds, model_options, *args, **kwargs)
        return executor(model, noise_shape, conds, model_options=model_options, **kwargs)

    state = state_of((model_options or {}).get("transformer_options", {}))
    if state is not None:
        # ComfyUI gives the shape of one context window only.
        shapes = state.shapes or [tuple(noise_shape)]
        state.told = _expected(state, model.model, shapes, sum(map(len, conds.values())), model_options)
    extra = 0 if state is None else state.told
    if not extra:
        return hand_on()
    estimate = model.model.memory_required

    @functools.wraps(estimate)  # ComfyUI may ask which arguments it takes
    def with_histories(*args: object, **kwargs: object) -> float:
        needed = estimate(*args, **kwargs)
        state.needed = max(state.needed, needed)
        return needed + extra

    with shadowed([Shadow(model.model, "memory_required", with_histories)]):
        return hand_on()


def _expected(state: RunState, base: nn.Module, shapes: Sequence[Shape], conditions: int, options: dict) -> int:
    """Bytes of the histories of so many conditions, and of a replay's latents, within the limit that is set."""
    histories = figure_or(0, lambda: round(conditions * history_bytes(state, base, shapes)
                                           * share_in_windows(state.run, base, shapes[0], options)))
    extra, limit = histories + latent_bytes_on_device(state, shapes), state.run.settings.limit_bytes
    return extra if limit is None else min(extra, limit)


def tell_more(state: RunState, device: torch.device) -> None:
    """After a full step: ask for room for what was not known before the first one."""
    run = state.run
    if not run.decider.skips_any or run.notes.fell_back or run.settings.cache_device == "cpu":
        return
    held = run.record.cache_bytes
    # Windows that move are known beforehand, and each of them keeps less than one that stays.
    expected = held if state.windowed else max(held, expected_cache(run, snapshots_kept(run)))
    expected = min(expected, run.settings.limit_bytes or expected)
    if expected > state.told:
        state.told = expected
        # ComfyUI takes the run's own models for unused ones once another model, such as a preview's, was loaded.
        used = [each for each in comfy.model_management.current_loaded_models
                if each.currently_used or state.runs(each.model)]
        comfy.model_management.free_memory(state.needed + max(expected - held, 0), device, keep_loaded=used)


def latent_bytes_on_device(state: RunState, shapes: Sequence[Shape]) -> int:
    """Bytes of the latents that stay on the model's device; samplers work in float32."""
    run = state.run
    away = run.settings.cache_device == "cpu"
    count = (run.latents.left_behind if away else run.latents.on_device)(run.replay)
    return count * sum(map(math.prod, shapes)) * torch.float32.itemsize


def history_bytes(state: RunState, base: nn.Module, shapes: Sequence[Shape]) -> int:
    """Bytes of all snapshots of one condition on the model's device.

    shapes: of the latent [B, C, (T,) H, W], or of those that are packed into one.
    """
    run, adapter = state.run, state.adapter
    if run.notes.fell_back or not run.decider.skips_any or run.settings.cache_device == "cpu":
        return 0
    model, latents = plain_module(base.diffusion_model), [torch.empty(shape, device=META) for shape in shapes]
    whole = torch.cat([latent.flatten(1) for latent in latents], 1) if is_packed(shapes) else latents[0]
    cut = cut_of(whole, adapter.grid(model, latents[0]), shapes, adapter.side_patch)
    batch, tokens, output = cut.tokens(whole).shape
    width = output if isinstance(adapter, InOutAdapter) else probe_width(adapter, model)
    kind, bytes_each = run.settings.target, _computed_in(base).itemsize
    in_float = 4 * output * (2 if kind == "auto" else 1)
    if kind == "output" and not isinstance(adapter, InOutAdapter) and has_variance(adapter, model, output):
        output *= 2  # the model returns it after the picture's channels
    target = in_float if kind in CALL_TARGETS else bytes_each * (width if kind == "residual" else output)
    probe = strided_probe(torch.empty(1, 1, width, device=META), run.settings.probe_stride).shape[-1] * bytes_each
    return snapshots_kept(run) * batch * tokens * (probe + target)


def _computed_in(base: nn.Module) -> torch.dtype:
    """The type that the model computes in: fp8 weights are cast."""
    return getattr(base, "manual_cast_dtype", None) or base.get_dtype()


def probe_width(adapter: Adapter, model: nn.Module) -> int:
    """Channels of the probe: the input width of block 0's attention; 0 if it has none to read."""
    layers = listed(adapter.attention_input(plain_module(adapter.first_block(model))))
    parts = [layer.owner if isinstance(layer, Method) else layer for layer in layers]
    return max((part.in_features for module in parts for part in module.modules() if hasattr(part, "in_features")),
               default=0)
