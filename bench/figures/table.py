"""A Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """Its lines."""
    return [_line(head), "|---" * len(head) + "|", *map(_line, rows)]


def _line(cells: Sequence[object]) -> str:
    return "".join("| " if cell == "" else f"| {cell} " for cell in cells) + "|"
