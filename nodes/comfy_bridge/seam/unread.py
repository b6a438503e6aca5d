"""What nobody reads in a skipped call: rotary tables and text for blocks that do not run, replaced last layers.

Such a part gives empty tensors of the shapes that it gave before for arguments of the same shapes; the first skipped
call of a run computes it. Nothing but shapes is kept, so no weight, prompt or patch can be out of date.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .shadow import Method, Shadow

# Patches that run only with the blocks; any other may read what is left out here.
WITH_BLOCKS = frozenset(("double_block", "attn1_patch", "attn2_patch", "attn1_output_patch", "attn2_output_patch"))


class Look(NamedTuple):
    """What is known of a tensor without its values."""

    shape: torch.Size
    dtype: torch.dtype
    device: torch.device

    def empty(self) -> Tensor:
        """A tensor that looks like that; nothing is launched."""
        return torch.empty(self.shape, dtype=self.dtype, device=self.device)


class Unread:
    """Of one run. It knows how the results of parts of its models, and of whole calls, look, by their arguments."""

    def __init__(self) -> None:
        self._looks: dict[Hashable, object] = {}

    def shadows(self, parts: Sequence[Method], options: Mapping[str, object]) -> list[Shadow]:
        """What takes the place of these parts in a skipped call; a part that another node has changed is left alone."""
        if not WITH_BLOCKS.issuperset(options.get("patches", {})):
            return []
        return [Shadow(part.owner, part.name, self._instead(part)) for part in parts if _is_as_made(part)]

    def note(self, call: tuple[object, ...], result: Tensor) -> None:
        """Note how the result of a whole call looks. call: what was called, then its arguments."""
        self._looks[_of_call(call)] = _look(result)

    def of_call(self, call: tuple[object, ...]) -> Tensor | None:
        """An empty tensor that looks like the result of such a call; None if there was none yet."""
        look = self._looks.get(_of_call(call))
        return look.empty() if isinstance(look, Look) else None

    def _instead(self, part: Method) -> Callable[..., object]:
        method = getattr(part.owner, part.name)

        def instead(*args: object, **kwargs: object) -> object:
            asked = (id(part.owner), part.name, _look(args), tuple((name, _look(kwargs[name])) for name in kwargs))
            if asked in self._looks:
                return _empty(self._looks[asked])
            result = method(*args, **kwargs)
            if _is_plain(result):
                self._looks[asked] = _look(result)
            return result

        return instead


def _of_call(call: tuple[object, ...]) -> Hashable:
    called, *arguments = call
    return id(called), *map(_look, arguments)


def named_parts(model: nn.Module, names: Sequence[str]) -> Iterator[Method]:
    """Modules, all of a list of modules, and methods of the model that have these names, where it has them."""
    for name in names:
        found = getattr(model, name, None)
        if isinstance(found, nn.ModuleList):
            yield from (Method(each, "forward") for each in found)
        elif isinstance(found, nn.Module):
            yield Method(found, "forward")
        elif callable(found):
            yield Method(model, name)


def _is_as_made(part: Method) -> bool:
    """Whether neither torch.compile nor another node has its hand on the part."""
    own = vars(part.owner)
    hooked = part.name == "forward" and (own.get("_forward_hooks") or own.get("_forward_pre_hooks"))
    return part.name not in own and not hooked and own.get("_compiled_call_impl") is None


def _is_plain(result: object) -> bool:
    """Whether the result is made of small values and floating point tensors alone: others may hold lengths."""
    if type(result) in (tuple, list):
        return all(map(_is_plain, result))
    return result.is_floating_point() if isinstance(result, Tensor) else isinstance(result, int | None)


def _look(value: object) -> Hashable:
    """How a value looks; of what is neither tensors nor small values, that it is there."""
    if isinstance(value, Tensor):
        return Look(value.shape, value.dtype, value.device)
    if isinstance(value, tuple | list):
        return (type(value), *map(_look, value))
    return value if isinstance(value, int | str | torch.dtype | torch.device | None) else type(value)


def _empty(look: object) -> object:
    """A result that looks like that."""
    if isinstance(look, Look):
        return look.empty()
    return look[0](map(_empty, look[1:])) if isinstance(look, tuple) else look
