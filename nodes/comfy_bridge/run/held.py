"""What guider and sampler hold: a pass that is left in its middle leaves nothing of it behind, see replaying.py."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What was not there.
NONE = object()
# An object's own attributes, and lists and dicts in them, down to so many levels.
LEVELS = 2


class GuiderAttributes:
    """A guider's attributes. A sampler may change them around its calls, and is left before it has put them back.

    What the guider itself changes when it is called, such as a count of its calls, stays.
    """

    def __init__(self, guider: object) -> None:
        self._held = getattr(guider, "__dict__", {})
        self._own = dict(self._held)

    @contextmanager
    def called(self) -> Iterator[None]:
        """The guider is called: what changes meanwhile is its own."""
        before = dict(self._held)
        try:
            yield
        finally:
            for name in before.keys() | self._held.keys():
                now = self._held.get(name, NONE)
                if now is NONE:
                    self._own.pop(name, None)
                elif now is not before.get(name, NONE):
                    self._own[name] = now

    def put_back(self) -> None:
        """Take away what the sampler changed."""
        self._held.clear()
        self._held.update(self._own)


def note_held(owner: object) -> Callable[[], None]:
    """Note what an object holds, in lists and dicts too; the function that is returned puts it back."""
    noted = list(_noted(getattr(owner, "__dict__", {}), LEVELS))

    def put() -> None:
        for container, content in noted:
            container.clear()
            (container.update if isinstance(container, dict) else container.extend)(content)

    return put


def _noted(container: dict | list, levels: int) -> Iterator[tuple[dict | list, dict | list]]:
    yield container, container.copy()
    for value in container.values() if isinstance(container, dict) else container:
        if levels and type(value) in (dict, list):
            yield from _noted(value, levels - 1)
