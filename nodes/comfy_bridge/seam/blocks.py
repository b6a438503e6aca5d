"""Two ways to reach a model's blocks for the length of one call; neither touches the model's code."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Protocol, TypeVar

from torch import nn

from .plain_module import plain_module
from .shadow import Shadow, shadowed

BlockKey = tuple[str, int]
Arguments = Mapping[str, object]
Original = Callable[[Arguments], object]
BlockCall = Callable[[Arguments, Original], object]
Block = TypeVar("Block")


class Blocks(Protocol):
    """All blocks of one model."""

    def taken_over(
        self, options: dict, first: BlockCall, others: BlockCall | None = None, last: BlockCall | None = None
    ) -> AbstractContextManager[dict]:
        """Block 0 is `first`, the last `last`, the rest `others`; None leaves them. Gives the options to run with."""
        ...

    def passed(self, args: Arguments) -> object:
        """What a block that is passed over gives back."""
        ...


class ReplacedBlocks:
    """Blocks of a model that honours `patches_replace["dit"]`: by keys, block 0's first; no module is touched."""

    def __init__(self, **counts: int) -> None:
        self.keys: list[BlockKey] = [(name, i) for name, count in counts.items() for i in range(count)]

    @contextmanager
    def taken_over(
        self, options: dict, first: BlockCall, others: BlockCall | None = None, last: BlockCall | None = None
    ) -> Iterator[dict]:
        """See Blocks."""
        replace = options.get("patches_replace", {})
        before = replace.get("dit", {})

        def take(key: BlockKey, call: BlockCall) -> Callable[..., object]:
            earlier = before.get(key)

            def block(args: Arguments, extra: Mapping[str, object]) -> object:
                return call(args, (lambda args: earlier(args, extra)) if earlier else extra["original_block"])

            return block

        taken = {key: take(key, call) for key, call in _calls(self.keys, first, others, last)}
        yield {**options, "patches_replace": {**replace, "dit": {**before, **taken}}}

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
    def taken_over(
        self, options: dict, first: BlockCall, others: BlockCall | None = None, last: BlockCall | None = None
    ) -> Iterator[dict]:
        """See Blocks."""

        def take(module: nn.Module, call: BlockCall) -> Shadow:
            forward, signature = module.forward, _signature(type(plain_module(module)))

            def replaced(*args: object, **kwargs: object) -> object:
                named = signature.bind(None, *args, **kwargs)
                named.apply_defaults()
                flat = _flat(named.arguments)

                def original(changed: Arguments) -> object:
                    if all(changed[name] is value for name, value in flat.items()):
                        return forward(*args, **kwargs)
                    named.arguments.update({name: changed[name] for name in named.arguments if name in changed})
                    return forward(*named.args[1:], **named.kwargs)

                return call(flat, original)

            return Shadow(module, "forward", replaced)

        with shadowed([take(module, call) for module, call in _calls(self.modules, first, others, last)]):
            yield options


def _calls(
    blocks: Sequence[Block], first: BlockCall, others: BlockCall | None, last: BlockCall | None
) -> list[tuple[Block, BlockCall]]:
    """What takes the place of which block."""
    calls = [first, *[others] * (len(blocks) - 2), *[last or others] * (len(blocks) > 1)]
    return [(block, call) for block, call in zip(blocks, calls, strict=True) if call is not None]


@lru_cache(maxsize=64)
def _signature(block: type[nn.Module]) -> inspect.Signature:
    return inspect.signature(block.forward)


def _flat(arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments that a `**kwargs` collected stand among the others."""
    return {**arguments, **arguments.get("kwargs", {})}
