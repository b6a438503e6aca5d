"""Sees a tensor that goes into or comes out of a layer, and may replace it, during one call.

Modules get PyTorch's hooks, because torch.compile does not compile again for these; methods get a shadow.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from .shadow import Method, Shadow, shadowed

Layers = nn.Module | Method | list[nn.Module | Method]
SeeTensor = Callable[[Tensor], Tensor | None]


@contextmanager
def input_hook(layers: Layers, see: SeeTensor) -> Iterator[None]:
    """`see` gets the first argument of a module, or the named argument of a method, and may return another value."""

    def before(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return _with_argument(args, 0, see(args[0])), kwargs

    with ExitStack() as stack:
        for layer in listed(layers):
            if isinstance(layer, nn.Module):
                stack.callback(layer.register_forward_pre_hook(before, with_kwargs=True).remove)
            else:
                stack.enter_context(shadowed([Shadow(layer.owner, layer.name, _method_with_input_seen(layer, see))]))
        yield


@contextmanager
def output_hook(layers: Layers, see: SeeTensor) -> Iterator[None]:
    """`see` gets what the layer returns, and may return another value."""
    with ExitStack() as stack:
        for layer in listed(layers):
            if isinstance(layer, nn.Module):
                hook = layer.register_forward_hook(lambda module, args, output: see(output))
                stack.callback(hook.remove)
            else:
                stack.enter_context(shadowed([Shadow(layer.owner, layer.name, _method_with_output_seen(layer, see))]))
        yield


def listed(layers: Layers) -> Sequence[nn.Module | Method]:
    """One layer, or several, as a list."""
    return layers if isinstance(layers, list) else [layers]


def _method_with_input_seen(layer: Method, see: SeeTensor) -> Callable[..., object]:
    method = getattr(layer.owner, layer.name)

    def called(*args: object, **kwargs: object) -> object:
        return method(*_with_argument(args, layer.position, see(args[layer.position])), **kwargs)

    return called


def _method_with_output_seen(layer: Method, see: SeeTensor) -> Callable[..., object]:
    method = getattr(layer.owner, layer.name)

    def called(*args: object, **kwargs: object) -> object:
        output = method(*args, **kwargs)
        changed = see(output)
        return output if changed is None else changed

    return called


def _with_argument(args: tuple, position: int, value: Tensor | None) -> tuple:
    return args if value is None else (*args[:position], value, *args[position + 1 :])
