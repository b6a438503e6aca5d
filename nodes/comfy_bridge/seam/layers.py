"""Meets a tensor on its way into or out of a layer, for the length of one call.

Modules are met by hooks, which torch.compile does not take for a change of the model; methods by a shadow.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from .shadow import Method, Shadow, shadowed

Layers = nn.Module | Method | list[nn.Module | Method]
Meet = Callable[[Tensor], Tensor | None]


@contextmanager
def met_input(layers: Layers, meet: Meet) -> Iterator[None]:
    """`meet` sees the first argument, or that of a method which is meant, and may give another one."""

    def before(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return _with_argument(args, 0, meet(args[0])), kwargs

    with ExitStack() as stack:
        for layer in _listed(layers):
            if isinstance(layer, nn.Module):
                stack.callback(layer.register_forward_pre_hook(before, with_kwargs=True).remove)
            else:
                stack.enter_context(shadowed([Shadow(layer.owner, layer.name, _method_meeting_input(layer, meet))]))
        yield


@contextmanager
def met_output(layers: Layers, meet: Meet) -> Iterator[None]:
    """`meet` sees what comes out, and may give something else."""
    with ExitStack() as stack:
        for layer in _listed(layers):
            if isinstance(layer, nn.Module):
                hook = layer.register_forward_hook(lambda module, args, output: meet(output))
                stack.callback(hook.remove)
            else:
                stack.enter_context(shadowed([Shadow(layer.owner, layer.name, _method_meeting_output(layer, meet))]))
        yield


def _listed(layers: Layers) -> Sequence[nn.Module | Method]:
    return layers if isinstance(layers, list) else [layers]


def _method_meeting_input(layer: Method, meet: Meet) -> Callable[..., object]:
    method = getattr(layer.owner, layer.name)

    def called(*args: object, **kwargs: object) -> object:
        return method(*_with_argument(args, layer.position, meet(args[layer.position])), **kwargs)

    return called


def _method_meeting_output(layer: Method, meet: Meet) -> Callable[..., object]:
    method = getattr(layer.owner, layer.name)

    def called(*args: object, **kwargs: object) -> object:
        output = method(*args, **kwargs)
        changed = meet(output)
        return output if changed is None else changed

    return called


def _with_argument(args: tuple, position: int, value: Tensor | None) -> tuple:
    return args if value is None else (*args[:position], value, *args[position + 1 :])
