"""Counts which blocks really ran in one computed call, at the modules that hold their weights.

A cache of another node may give a block's result, or a whole model's, without running it. Such a call is no full step:
what it returns is the other node's guess. Only a block that was seen to run before can be missed: blocks whose weights
are used in a way that is not seen here, or that another node replaces at every step, are never missed. Nodes that leave
blocks out on purpose, such as skip-layer guidance, pass a few of them over, or hand their arguments on unchanged.
Nothing here waits for the device.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from .blocks import Arguments, BlockKey
from .plain_module import plain_module
from .shadow import Shadow, shadowed

# A node may leave out blocks; one that leaves out more than this share of them has the result from somewhere else.
MOST_LEFT_OUT = 0.5
# A weight counts if it gets this share of the picture's rows: a cache may compute the modulation, whose rows are fewer,
# and a node that merges tokens or shares them out leaves a part of them.
ROWS_OF_PICTURE = 0.5


class BlockCount:
    """The blocks of one model over one run. modules: all, keys: theirs in `patches_replace["dit"]`, if it looks there.

    ran: places of the blocks that were ever seen to run. witnesses: the first and the last part of each that showed it;
    later calls are counted at these alone.
    """

    def __init__(self, modules: Sequence[nn.Module], keys: Sequence[BlockKey] = ()) -> None:
        self.modules, self.keys = list(modules), list(keys)
        self.ran: set[int] = set()
        self.witnesses: dict[int, list[nn.Module]] = {}

    @classmethod
    def of_unknown(cls, model: nn.Module) -> "BlockCount":
        """Of a model whose blocks have no names here: its parts, and those in lists one by one."""
        parts = ([*part] if isinstance(part, nn.ModuleList) else [part] for part in model.children())
        return cls([part for listed in parts for part in listed])


class CountedCall:
    """One call of the model. tokens: of one picture; 0 if a weight counts with any number of rows."""

    def __init__(self, blocks: BlockCount, tokens: int = 0) -> None:
        self.blocks, self.rows = blocks, tokens * ROWS_OF_PICTURE
        self._ran: dict[int, list[nn.Module]] = {}  # by place, the parts in the order in which they ran
        self._counted: dict[int, tuple[nn.Module, list[nn.Module]]] = {}  # by place, the block and where it is counted
        self._entered: set[int] = set()
        self._handed_on: set[int] = set()

    def replaced(self) -> list[int]:
        """The call has ended: the places of the blocks that another node's result stands for."""
        known = self.blocks.ran
        idle = sorted(place for place in known - self._ran.keys() if self._would_show(place))
        known.update(self._ran)
        for place, parts in self._ran.items():
            self.blocks.witnesses.setdefault(place, list({parts[0], parts[-1]}))
        return idle if len(idle) > MOST_LEFT_OUT * len(known) else [
            place for place in idle if place in self._entered - self._handed_on]

    def _would_show(self, place: int) -> bool:
        """Whether this block would have been seen to run: another node may have given it other parts."""
        block, parts = self._counted[place]
        shows = bool(parts) and set(parts) <= set(_parts(block))
        if not shows:
            self.blocks.witnesses.pop(place, None)
        return shows

    def seen(self, options: dict) -> dict:
        """The options, with other nodes' block patches watched."""
        replace = options.get("patches_replace", {})
        before, keys = replace.get("dit", {}), enumerate(self.blocks.keys)
        watched = {key: self._watched(place, before[key]) for place, key in keys if key in before}
        return {**options, "patches_replace": {**replace, "dit": {**before, **watched}}} if watched else options

    def _watched(self, place: int, patch: Callable[..., object]) -> Callable[..., object]:
        def block(args: Arguments, extra: Mapping[str, object]) -> object:
            result = patch(args, extra)
            self._tell(place, isinstance(result, Mapping) and all(result[name] is args.get(name) for name in result))
            return result

        return block

    def _tell(self, place: int, handed_on: bool) -> None:
        (self._handed_on if handed_on else self._entered).add(place)

    @contextmanager
    def counting(self, current: Sequence[nn.Module] = ()) -> Iterator[None]:
        """Count from here on. current: the blocks as the model has them in this call, which may be compiled."""
        compiled = {id(plain_module(block)): block for block in current}
        with ExitStack() as stack:
            for place, block in enumerate(self.blocks.modules):
                self._count_in(compiled.get(id(block), block), place, stack)
            yield

    def ran(self, place: int, part: nn.Module) -> None:
        """A part of the block at this place has run."""
        self._ran.setdefault(place, []).append(part)

    def _count_in(self, block: nn.Module, place: int, stack: ExitStack) -> None:
        known = self.blocks.witnesses.get(place, [])
        parts = list(_parts(block)) if not known or any(map(_is_compiled, (block, *known))) else known
        self._counted[place] = block, parts
        for part in parts:
            self._count_at(part, place, stack)
        if not _is_compiled(block):
            stack.callback(block.register_forward_hook(self._seeing_end(place), with_kwargs=True).remove)

    def _seeing_end(self, place: int) -> Callable[..., None]:
        def after(module: nn.Module, args: tuple, kwargs: dict, output: object) -> None:
            if torch.compiler.is_compiling():
                return
            made = output if isinstance(output, tuple | list) else (output,)
            given = (*args, *kwargs.values())
            self._tell(place, all(any(part is each for each in given) for part in made))

        return after

    def _count_at(self, part: nn.Module, place: int, stack: ExitStack) -> None:
        """Count at a weight, or at a compiled part, whose inside must not change."""
        call = getattr(part, "_compiled_call_impl", None)
        if call is not None:
            stack.enter_context(shadowed([Shadow(part, "_compiled_call_impl", self._noting(part, place, call))]))
            return
        whole = _is_compiled(part)

        def before(module: nn.Module, args: tuple) -> None:
            # A graph that is traced with this hook would keep it: what runs in there is not seen.
            if not torch.compiler.is_compiling() and (whole or self._gets_picture(args)):
                self.ran(place, part)

        stack.callback(part.register_forward_pre_hook(before).remove)

    def _noting(self, part: nn.Module, place: int, call: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object, **kwargs: object) -> object:
            self.ran(place, part)
            return call(*args, **kwargs)

        return noted

    def _gets_picture(self, args: tuple) -> bool:
        """Whether a weight is given as many rows as the picture has, or in a way that is not understood."""
        given = args[0] if args else None
        return not isinstance(given, Tensor) or (given.ndim > 0 and given.numel() >= self.rows * given.shape[-1])


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
