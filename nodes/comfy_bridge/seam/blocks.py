"""Two ways to run other code in place of a model's blocks during one call; neither changes the model's code."""

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
    """All blocks of one model. first: block 0. keys: theirs in `patches_replace["dit"]`; none without that hook."""

    first: nn.Module
    modules: Sequence[nn.Module]
    keys: Sequence[BlockKey]

    def taken_over(
        self, options: dict, first: BlockCall, others: BlockCall | None = None, last: BlockCall | None = None
    ) -> AbstractContextManager[dict]:
        """Runs `first`, `others` and `last` in place of block 0, the others and the last; None leaves them as they are.

        Gives the options to call the model with.
        """
        ...

    def skipped(self, args: Arguments) -> object:
        """What a skipped block returns."""
        ...


class ReplacedBlocks:
    """Blocks of a model that looks into `patches_replace["dit"]`; no module is changed.

    kinds: the model's lists of blocks by their kind there, such as double_block, in the order in which they run.
    """

    def __init__(self, **kinds: Sequence[nn.Module]) -> None:
        self.keys: list[BlockKey] = [(kind, i) for kind, modules in kinds.items() for i in range(len(modules))]
        self.modules = [module for modules in kinds.values() for module in modules]
        self.first = self.modules[0]

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

    def skipped(self, args: Arguments) -> object:
        """Its arguments: the streams go on under the same names."""
        return args


class ShadowedBlocks:
    """Blocks of a model without such a hook: the `forward` of each is replaced during the call.

    returns: what a skipped block returns, a function of its arguments; or the name of the argument that it returns.
    """

    keys: Sequence[BlockKey] = ()

    def __init__(self, modules: Sequence[nn.Module], returns: str | Callable[[Arguments], object]) -> None:
        self.modules = list(modules)
        self.first = self.modules[0]
        self.skipped = (lambda args: args[returns]) if isinstance(returns, str) else returns

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
    """Each block with the call that takes its place."""
    calls = [first, *[others] * (len(blocks) - 2), *[last or others] * (len(blocks) > 1)]
    return [(block, call) for block, call in zip(blocks, calls, strict=True) if call is not None]


@lru_cache(maxsize=64)
def _signature(block: type[nn.Module]) -> inspect.Signature:
    return inspect.signature(block.forward)


def _flat(arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments, with those that a `**kwargs` collected among the others."""
    return {**arguments, **arguments.get("kwargs", {})}
