"""Counts which blocks really ran in one computed call, at the modules that hold their weights.

A cache of another node may give a block's result, or a whole model's, without running it. Such a call is no full step:
what it returns is the other node's guess. Nodes that leave blocks out on purpose, such as skip-layer guidance, hand the
block's arguments on unchanged; that is how they are told from a cache. Nothing here waits for the device.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from .blocks import Arguments, BlockKey
from .shadow import Shadow, shadowed

# A node may leave out blocks; one that leaves out more than this share of them has the result from somewhere else.
MOST_LEFT_OUT = 0.5


class BlockCount:
    """Counts the blocks of one call.

    modules: all blocks, keys: their keys in `patches_replace["dit"]` if the model looks there. tokens: of one picture.
    A weight counts if it gets at least as many rows: a cache may compute the modulation, whose rows are fewer.
    """

    def __init__(self, modules: Sequence[nn.Module], keys: Sequence[BlockKey], tokens: int) -> None:
        self.modules, self.keys, self.tokens = modules, keys, tokens
        self.ran: set[int] = set()
        self.handed_on: set[int] = set()

    @property
    def replaced(self) -> list[int]:
        """The places of the blocks that another node's result stands for."""
        idle = [place for place in range(len(self.modules)) if place not in self.ran]
        others = [place for place in idle if place not in self.handed_on]
        return idle if len(idle) > MOST_LEFT_OUT * len(self.modules) else others

    def seen(self, options: dict) -> dict:
        """The options, with other nodes' block patches watched: those that hand their arguments on are noted."""
        replace = options.get("patches_replace", {})
        before = replace.get("dit", {})
        watched = {key: self._watched(place, before[key]) for place, key in enumerate(self.keys) if key in before}
        return {**options, "patches_replace": {**replace, "dit": {**before, **watched}}} if watched else options

    def _watched(self, place: int, patch: Callable[..., object]) -> Callable[..., object]:
        def block(args: Arguments, extra: Mapping[str, object]) -> object:
            result = patch(args, extra)
            if isinstance(result, Mapping) and all(result[name] is args.get(name) for name in result):
                self.handed_on.add(place)
            return result

        return block

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count from here on; may begin when block 0 is called, before its weights are."""
        with ExitStack() as stack:
            for place, block in enumerate(self.modules):
                parts = list(_parts(block))
                if not parts or (place == 0 and parts == [block]):
                    self.ran.add(place)  # without weights of its own, or compiled and called already
                for part in parts:
                    self._count_at(part, place, stack)
            yield

    def _count_at(self, part: nn.Module, place: int, stack: ExitStack) -> None:
        """Count at a weight, or at a compiled part, whose inside must not change."""
        compiled = getattr(part, "_compiled_call_impl", None)
        if compiled is not None:
            stack.enter_context(shadowed([Shadow(part, "_compiled_call_impl", self._noting(place, compiled))]))
            return
        whole = _is_compiled(part)

        def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
            if whole or self._gets_picture((*args, *kwargs.values())):
                self.ran.add(place)

        stack.callback(part.register_forward_pre_hook(before, with_kwargs=True).remove)

    def _noting(self, place: int, call: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object, **kwargs: object) -> object:
            self.ran.add(place)
            return call(*args, **kwargs)

        return noted

    def _gets_picture(self, values: Sequence[object]) -> bool:
        """Whether a weight is given as many rows as the picture has tokens."""
        given = next((value for value in values if isinstance(value, Tensor)), None)
        return given is None or (given.ndim > 0 and given.numel() >= self.tokens * given.shape[-1])


def _is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile has wrapped this module, or its call, or its forward."""
    own = vars(module)  # not getattr: all modules of a model are asked at every full step
    return ("_orig_mod" in module._modules or own.get("_compiled_call_impl") is not None
            or ("forward" in own and hasattr(own["forward"], "_torchdynamo_orig_callable")))


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """The innermost modules with a weight matrix, or a compiled part as a whole."""
    children = [child for child in module._modules.values() if child is not None]
    holds = any(weight is not None and weight.ndim > 1 for weight in module._parameters.values())
    if _is_compiled(module) or (holds and not children):
        yield module
    else:
        for child in children:
            yield from _parts(child)
