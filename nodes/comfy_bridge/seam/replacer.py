"""Names the function of another node that stands in place of a model's blocks or of its forward."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from torch import nn

from .block_count import BlockCount
from .plain_module import plain_module

# Functions from there are no other node's, nor are those of this pack.
STOCK = ("builtins", "torch", "comfy", "comfy_api", "comfy_extras")
OWN = __name__.split(".nodes.")[0]


def replacer(model: nn.Module, options: Mapping[str, object], blocks: BlockCount | None = None,
             places: Sequence[int] = (), current: Sequence[nn.Module] = ()) -> str:
    """Module and name of what replaces these blocks or the model's forward; "" if nothing is found.

    current: the blocks as the model has them in this call.
    """
    return next(filter(None, map(_name, _suspects(model, options, blocks, places, current))), "")


def answerer(own: Mapping[str, object]) -> str:
    """The function that answers in place of the model's call, by the options of a guider; "" if none is found."""
    wrappers = own.get("transformer_options", {}).get("wrappers", {})
    calls = [own.get("model_function_wrapper"), own.get("sampler_calc_cond_batch_function")]
    calls += [call for kind in ("apply_model", "calc_cond_batch", "predict_noise")
              for listed in wrappers.get(kind, {}).values() for call in listed]
    return next(filter(None, (_name(call) for call in calls if call is not None)), "")


def _suspects(model: nn.Module, options: Mapping[str, object], blocks: BlockCount | None,
              places: Sequence[int], current: Sequence[nn.Module]) -> Iterator[object]:
    """What other nodes put in place of something, the most likely first."""
    patches = options.get("patches_replace", {}).get("dit", {})
    yield from (patches[key] for place in places for key in blocks.keys[place : place + 1] if key in patches)
    yield from (type(block) for block in current if block not in blocks.modules)
    for place in places:
        yield from _changed(blocks.modules[place])
    yield from _changed(model)
    for kind in ("diffusion_model", "apply_model"):
        for calls in options.get("wrappers", {}).get(kind, {}).values():
            yield from calls


def _changed(module: nn.Module) -> Iterator[object]:
    """A forward on an instance, one from another file in its class, and hooks."""
    module = plain_module(module)
    own = {kind.__module__ for kind in type(module).__mro__}
    for attributes in (vars(module), vars(type(module))):
        yield from (call for name, call in attributes.items()
                    if "forward" in name and callable(call) and getattr(call, "__module__", None) not in own)
    yield from module._forward_pre_hooks.values()
    yield from module._forward_hooks.values()


def _name(call: object) -> str:
    """A node's module may have its whole path for a name: only the part after the last folder is told."""
    call = call.func if isinstance(call, partial) else call
    kind = call if hasattr(call, "__qualname__") else type(call)
    module = str(kind.__module__)
    if module.partition(".")[0] in STOCK or module.startswith(OWN):
        return ""
    return f"{module.replace(chr(92), '/').rpartition('/')[2]}.{kind.__qualname__.replace('<locals>.', '')}"
