"""What guider and sampler hold: a pass that is left in its middle leaves nothing of it behind, see replaying.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

# What was not there.
NONE = object()
# An object's own attributes, and lists and dicts in them, down to so many levels.
LEVELS = 2
Container = dict | list


class Held:
    """What one object holds, in lists and dicts too.

    A sampler may change it around its calls, and is left before it has put it back. What is changed within a call of
    the guider or of a callback, such as a count of the calls, stays: that call is not made again.
    """

    def __init__(self, owner: object) -> None:
        held = getattr(owner, "__dict__", None)
        has_own = type(held) is dict and not isinstance(owner, ModuleType)
        self._noted = list(_noted(held, LEVELS)) if has_own else []

    @contextmanager
    def called(self) -> Iterator[None]:
        """Guider or callback is called: what changes meanwhile stays."""
        before = [container.copy() for container, _ in self._noted]
        try:
            yield
        finally:
            for (container, kept), was in zip(self._noted, before, strict=True):
                (_keep_items if isinstance(container, dict) else _keep_list)(kept, container, was)

    def put_back(self) -> None:
        """Take away all other changes."""
        for container, kept in self._noted:
            container.clear()
            (container.update if isinstance(container, dict) else container.extend)(kept)

    def forget(self) -> None:
        """Let go of everything."""
        self._noted = []


def _keep_items(kept: dict, now: dict, was: dict) -> None:
    """Take over into `kept` what differs from how it was."""
    for name in was.keys() | now.keys():
        value = now.get(name, NONE)
        if value is NONE:
            kept.pop(name, None)
        elif value is not was.get(name, NONE):
            kept[name] = value


def _keep_list(kept: list, now: list, was: list) -> None:
    if len(now) != len(was) or any(one is not other for one, other in zip(now, was, strict=True)):
        kept[:] = now


def _noted(container: Container, levels: int) -> Iterator[tuple[Container, Container]]:
    yield container, container.copy()
    for value in list(container.values() if isinstance(container, dict) else container):
        if levels and type(value) in (dict, list):
            yield from _noted(value, levels - 1)
