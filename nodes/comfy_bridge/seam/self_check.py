"""Compares the probe once a run with what really enters the first attention.

They differ if a fork or a newer ComfyUI changed the model; then the adapter's formulas are wrong.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from .adapter import Adapter
from .hooks import input_hook, listed
from .plain_module import plain_module
from .shadow import Method, Shadow, shadowed
from .targets import Captured

# Compiled or quantized parts may round in another way; a changed model differs by far more.
TOLERANCE = 0.02


def missing_part(adapter: Adapter, model: nn.Module) -> str:
    """The first part that the adapter names and the model does not have; "" if it has all."""
    try:
        adapter.patch(model), adapter.final_layer(model), adapter.output_layer(model), list(adapter.extras(model))
        for layer in listed(adapter.attention_input(plain_module(adapter.first_block(model)))):
            if isinstance(layer, Method):
                getattr(layer.owner, layer.name)
    except (AttributeError, LookupError, TypeError) as error:
        return str(error)
    return ""


@contextmanager
def watched_attention(adapter: Adapter, model: nn.Module, captured: Captured) -> Iterator[None]:
    """Capture what enters block 0's attention; a compiled block runs uncompiled, because its hooks do not fire."""
    block = adapter.first_block(model)
    plain = plain_module(block)

    modules, seen = listed(adapter.attention_input(plain)), {}

    def before(module: nn.Module | Method, args: tuple, kwargs: dict) -> None:
        seen.setdefault(module, next(iter((*args, *kwargs.values()))))
        captured.attended = list(seen.values()) if len(modules) > 1 else seen[module]
        if kwargs.get("qkv") is not None:  # the block has projected its input in one step with the modulation
            captured.projected = (kwargs["qkv"], module.qkv) if hasattr(module, "qkv") else None
            captured.attended = None if captured.projected is None else captured.attended

    with ExitStack() as stack:
        for module in modules:
            if isinstance(module, Method):
                look = partial(lambda method, attended: before(method, (attended,), {}), module)
                stack.enter_context(input_hook(module, look))
            else:
                stack.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        stack.enter_context(shadowed([] if plain is block else [Shadow(block, "forward", plain.forward)]))
        yield


def attended_tokens(captured: Captured) -> Tensor:
    """The picture's tokens [B, N, D] of what entered the attention, or [B, N, ...] of what that was given projected."""
    entry = captured.entry
    given = captured.attended if captured.projected is None else captured.projected[0]
    attended = entry.adapter.tokens(given, entry)
    return attended if attended.shape[1] <= entry.count else attended[:, entry.image]


def probe_is_attended(captured: Captured) -> bool:
    """Whether the probe is what the attention was given, up to rounding; waits for the device."""
    if captured.attended is None or captured.probe is None:
        return False
    attended, probe = attended_tokens(captured).float(), captured.probe
    if captured.projected is not None:
        probe = captured.projected[1](probe)
    probe = probe.float()
    if attended.shape != probe.shape:
        return False
    # A model that gives NaN gives it to both; that does not mean that the model has changed.
    attended, probe = attended.nan_to_num(), probe.nan_to_num()
    return bool(torch.linalg.vector_norm(attended - probe) <= TOLERANCE * torch.linalg.vector_norm(attended))
