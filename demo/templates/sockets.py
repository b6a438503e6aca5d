"""What links of a workflow join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Socket:
    """One output of a node, to be connected to an input of another."""

    node: int
    output: int
    kind: str


@dataclass(frozen=True)
class Placed:
    """A node of the graph: `placed[0]` is its first output."""

    number: int
    kinds: Sequence[str]

    def __getitem__(self, output: int) -> Socket:
        """The output with this number."""
        return Socket(self.number, output, self.kinds[output])
