"""Attributes of one object that are replaced for a while; its class and all other instances are unchanged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Method(NamedTuple):
    """A method of one object, and the position of the argument to look at."""

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
    """Set the attributes on their instances; afterwards each instance has exactly the attributes that it had before."""
    before = []
    try:
        for owner, name, value in shadows:
            # A compiled module already has a `forward` of its own.
            before.append((vars(owner), name, name in vars(owner), vars(owner).get(name)))
            vars(owner)[name] = value
        yield
    finally:
        for attributes, name, was_there, value in reversed(before):
            if was_there:
                attributes[name] = value
            else:
                del attributes[name]
