"""The tables in bench/README.md: each stands between two marks and is made from its file in bench/results."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent / "README.md"


def marks(name: str) -> tuple[str, str]:
    """The lines before and behind the table of a benchmark."""
    return f"<!-- {name}: made by bench/run.py {name} -->", f"<!-- {name}: end -->"


def put_block(name: str, text: str, file: Path = README) -> None:
    """Put a table in its place, or at the end if it has none yet."""
    start, end = marks(name)
    whole = file.read_text(encoding="utf-8")
    if start not in whole:
        whole = f"{whole.rstrip()}\n\n## {name.capitalize()}\n\n{start}\n{end}\n"
    before, _, rest = whole.partition(start)
    file.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def blocks(file: Path = README) -> dict[str, str]:
    """Name -> table, of all that are there."""
    pattern = r"<!-- (\w+): made by bench/run\.py \1 -->\n(.*?)\n<!-- \1: end -->"
    return dict(re.findall(pattern, file.read_text(encoding="utf-8"), re.S))
