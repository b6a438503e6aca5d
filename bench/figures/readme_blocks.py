"""The tables in the studies' READMEs: each stands between two marks and is made from its file in bench/results."""

from __future__ import annotations

import re
from pathlib import Path

from figures.places import BENCH


def readme(name: str) -> Path:
    """The page of a study; STUDY_PART is a second table of it."""
    return BENCH / name.partition("_")[0] / "README.md"


def marks(name: str) -> tuple[str, str]:
    """The lines before and after the table of a study."""
    return f"<!-- {name}: made by bench/run.py {name.replace('_', ' ')} -->", f"<!-- {name}: end -->"


def put_block(name: str, text: str) -> None:
    """Put a table in its place, or at the end if it has none yet."""
    file, (start, end) = readme(name), marks(name)
    whole = file.read_text(encoding="utf-8")
    if start not in whole:
        whole = f"{whole.rstrip()}\n\n{start}\n{end}\n"
    before, _, rest = whole.partition(start)
    file.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def blocks() -> dict[str, str]:
    """Name of a study -> its table, of all that have one."""
    pattern = r"<!-- (\w+): made by bench/run\.py [\w ]+ -->\n(.*?)\n<!-- \1: end -->"
    pages = (file.read_text(encoding="utf-8") for file in BENCH.glob("**/README.md"))
    return dict(pair for page in pages for pair in re.findall(pattern, page, re.S))
