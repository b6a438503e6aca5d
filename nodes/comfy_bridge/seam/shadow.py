"""Attributes of one object, replaced for a while: the class and all other instances stay as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Method(NamedTuple):
    """A method of one object; its argument at `position` is what is meant."""

    owner: object
    name: str
    position: int = 0


class Shadow(NamedTuple):
    """`owner.name` is `value` for a while."""

    owner: object
    name: str
    value: object


@contextmanager
def shadowed(shadows: Sequence[Shadow]) -> Iterator[None]:
    """Set the attributes on their instances; afterwards each instance holds exactly what it held before."""
    held = []
    try:
        for owner, name, value in shadows:
            # A compiled module already has a `forward` of its own.
            held.append((vars(owner), name, name in vars(owner), vars(owner).get(name)))
            vars(owner)[name] = value
        yield
    finally:
        for attributes, name, was_there, value in reversed(held):
            if was_there:
                attributes[name] = value
            else:
                del attributes[name]
