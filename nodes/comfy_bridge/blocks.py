"""Two ways to reach a model's blocks for the length of one call; neither touches the model's code."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Protocol

from torch import nn

from .plain_module import plain_module
from .shadow import Shadow, shadowed

BlockKey = tuple[str, int]
Arguments = Mapping[str, object]
Original = Callable[[Arguments], object]
BlockCall = Callable[[Arguments, Original], object]


class Blocks(Protocol):
    """All blocks of one model."""

    def taken_over(self, options: dict, first: BlockCall, skip: bool) -> AbstractContextManager[dict]:
        """Block 0 is `first`, the others are passed over if `skip` says so; gives the options to run the model with."""
        ...

    def passed(self, args: Arguments) -> object:
        """What a block that is passed over gives back."""
        ...


class ReplacedBlocks:
    """Blocks of a model that honours `patches_replace["dit"]`: by keys, block 0's first; no module is touched."""

    def __init__(self, **counts: int) -> None:
        self.keys: list[BlockKey] = [(name, i) for name, count in counts.items() for i in range(count)]

    @contextmanager
    def taken_over(self, options: dict, first: BlockCall, skip: bool) -> Iterator[dict]:
        """See Blocks."""
        replace = options.get("patches_replace", {})
        before = replace.get("dit", {})

        def first_block(args: Arguments, extra: Mapping[str, object]) -> object:
            earlier = before.get(self.keys[0])
            return first(args, (lambda args: earlier(args, extra)) if earlier else extra["original_block"])

        passed_over = dict.fromkeys(self.keys, lambda args, extra: args) if skip else {}
        blocks = {**before, **passed_over, self.keys[0]: first_block}
        yield {**options, "patches_replace": {**replace, "dit": blocks}}

    def passed(self, args: Arguments) -> object:
        """Its own arguments: the streams are handed on under the names that they came by."""
        return args


class ShadowedBlocks:
    """Blocks of a model without such a hook: the `forward` of each is replaced for the call.

    passed: makes a block's result of its arguments; the stream alone if it is given as a name.
    """

    def __init__(self, modules: Sequence[nn.Module], passed: str | Callable[[Arguments], object]) -> None:
        self.modules = list(modules)
        self.passed = (lambda args: args[passed]) if isinstance(passed, str) else passed

    @contextmanager
    def taken_over(self, options: dict, first: BlockCall, skip: bool) -> Iterator[dict]:
        """See Blocks."""

        def take(module: nn.Module, call: BlockCall) -> Shadow:
            forward, signature = module.forward, _signature(type(plain_module(module)))

            def replaced(*args: object, **kwargs: object) -> object:
                named = signature.bind(None, *args, **kwargs)
                named.apply_defaults()
                return call(_flat(named.arguments), lambda _: forward(*args, **kwargs))

            return Shadow(module, "forward", replaced)

        shadows = [take(self.modules[0], first)]
        if skip:
            shadows += [take(module, lambda args, original: self.passed(args)) for module in self.modules[1:]]
        with shadowed(shadows):
            yield options


@lru_cache(maxsize=64)
def _signature(block: type[nn.Module]) -> inspect.Signature:
    return inspect.signature(block.forward)


def _flat(arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments that a `**kwargs` collected stand among the others."""
    return {**arguments, **arguments.get("kwargs", {})}
