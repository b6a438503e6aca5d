"""The matrix as text for the terminal, with every figure, and as a short table for the page of the bridge."""

from __future__ import annotations

import re
from pathlib import Path

from matrix_row import Row

PAGE = Path(__file__).resolve().parents[2] / "nodes" / "comfy_bridge" / "README.md"
BEGIN, END = "<!-- compatibility: begin -->", "<!-- compatibility: end -->"
Found = dict[tuple[str, str], str]


def full_table(rows: list[Row], found: Found) -> str:
    """One line for each row, one column for each model; found: (row, model) -> words."""
    models = list(dict.fromkeys(model for _, model in found))
    lines = [["", "what was plugged in", *models]]
    for row in rows:
        cells = [found.get((str(row), model), "") for model in models]
        if any(cells):
            lines.append([row.group, row.plugged_in, *cells])
    widths = [min(max(len(line[i]) for line in lines), 60) for i in range(len(lines[0]))]
    return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def short_table(rows: list[Row]) -> str:
    """One line for all rows of a group that have the same result."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row.group, str(row.expected)), []).append(row.plugged_in)
    lines = ["| | plugged in | result |", "|---|---|---|"]
    order, last = list(dict.fromkeys(group for group, _ in groups)), ""
    for (group, words), names in sorted(groups.items(), key=lambda line: order.index(line[0][0])):
        lines.append(f"| {group if group != last else ''} | {_listed(names)} | {words} |")
        last = group
    return "\n".join(lines)


def put_into(page: Path, table: str) -> None:
    """Writes the table between its marks. Raises ValueError if they are not there."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no place for the table: {BEGIN} and {END}.")
    made = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n{END}", text, flags=re.DOTALL)
    page.write_text(made, encoding="utf-8")


def _listed(names: list[str]) -> str:
    """Names in one line; samplers, and schedulers, share their first word."""
    by_kind: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition(" ")
        by_kind.setdefault(f"{kind}s" if kind in ("sampler", "scheduler") else name, []).append(rest)
    return "; ".join(f"{kind} {', '.join(rest)}" if len(rest) > 1 else kind if kind in names else f"{kind} {rest[0]}"
                     for kind, rest in by_kind.items())
