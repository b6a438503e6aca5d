"""The rooms of the pack, and the arrows that its imports draw between them.

`python3 tests/support/rooms.py` draws them into CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
START, END = "<!-- rooms: made by tests/support/rooms.py -->", "<!-- rooms: end -->"

# What every room of tap_core may import: value types and protocols.
WORDS = "tap_core"
# Room -> the rooms whose files it may import, besides its own and the words of tap_core.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    WORDS: (),
    "tap_core/predictors": (),
    "tap_core/engine": ("tap_core/predictors",),
    "tap_core/schedules": ("tap_core/predictors",),
    "tap_core/record": (),
    "tap_core/sampling": ("tap_core/predictors", "tap_core/engine", "tap_core/schedules", "tap_core/record"),
    "tap_core/calibrate": ("tap_core/predictors", "tap_core/engine", "tap_core/schedules", "tap_core/record",
                           "tap_core/sampling"),
    "tap_core/pictures": ("tap_core/record",),
    "nodes/comfy_bridge": (),
    "nodes/comfy_bridge/seam": (),
    "nodes/comfy_bridge/adapters": ("nodes/comfy_bridge/seam",),
    "nodes/comfy_bridge/live": ("tap_core/schedules", "tap_core/record", "tap_core/sampling"),
    "nodes/comfy_bridge/run": (
        "tap_core/engine", "tap_core/record", "tap_core/sampling", "tap_core/calibrate",
        "nodes/comfy_bridge/seam", "nodes/comfy_bridge/adapters", "nodes/comfy_bridge/live",
    ),
    "nodes/inputs": (
        "tap_core/predictors", "tap_core/engine", "tap_core/schedules", "tap_core/record", "tap_core/sampling",
        "tap_core/calibrate",
    ),
    "nodes": (
        "tap_core/predictors", "tap_core/engine", "tap_core/schedules", "tap_core/record", "tap_core/sampling",
        "tap_core/calibrate", "tap_core/pictures", "nodes/inputs", "nodes/comfy_bridge",
        "nodes/comfy_bridge/adapters", "nodes/comfy_bridge/live", "nodes/comfy_bridge/run", "demo",
    ),
    # A study of bench/ may import what studies share, and another study.
    "bench/figures": (),
    "bench/models": ("bench/figures", "tap_core/schedules", "tap_core/record", "tap_core/sampling", "nodes",
                     "nodes/comfy_bridge/adapters", "nodes/comfy_bridge/run", "demo"),
}


@dataclass(frozen=True)
class Arrow:
    """One import. line: where it stands in `source`; both are paths from the root of the repository."""

    source: str
    target: str
    line: int

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms of both ends."""
        return room_of(self.source), room_of(self.target)


def room_of(file: str) -> str:
    """The deepest room that holds a file; a folder that no rule names, such as `demo`, is a room of its own."""
    folders = [str(folder) for folder in Path(file).parents]
    return next((folder for folder in folders if folder in MAY_IMPORT), file.partition("/")[0])


def arrows(*folders: str) -> list[Arrow]:
    """Every import of one file of ours by another, below these folders, wherever it stands in a file."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    found = [arrow for file in files for arrow in _arrows_of(file)]
    return [arrow for arrow in found if arrow.source != arrow.target]


def why_not(arrow: Arrow) -> str:
    """Why an import may not be, and where the line belongs; "" if it may."""
    room, other = arrow.rooms
    allowed = MAY_IMPORT.get(room)
    if allowed is None or other in (room, WORDS, *allowed):
        return ""
    above = [name for name, rooms in MAY_IMPORT.items() if other in rooms]
    return (f"{arrow.source}, line {arrow.line}, imports {arrow.target}, but {room}/ may import only its own files, "
            f"the words in {WORDS}/ itself, and: {', '.join(allowed) or 'nothing else'}. Move this line to a room that "
            f"may import {other}/ ({', '.join(above) or 'none'}), or move what it needs down.")


def circle(found: list[Arrow]) -> list[str]:
    """Files that import one another in a circle, the first one again at the end; none if there is no circle."""
    ahead: dict[str, set[str]] = {}
    for arrow in found:
        ahead.setdefault(arrow.source, set()).add(arrow.target)
    done: set[str] = set()

    def walk(path: list[str]) -> list[str]:
        for target in sorted(ahead.get(path[-1], ())):
            if target in path:
                return [*path[path.index(target):], target]
            if target not in done and (met := walk([*path, target])):
                return met
        done.add(path[-1])
        return []

    return next((met for source in sorted(ahead) if source not in done and (met := walk([source]))), [])


def drawing() -> str:
    """The rooms and their arrows as a Mermaid chart; an arrow that follows from two others is left out."""
    drawn = {arrow.rooms for arrow in arrows("tap_core", "nodes")}
    drawn = {(room, other) for room, other in drawn if room != other and WORDS not in (room, other)}
    rooms = sorted({room for pair in drawn for room in pair})
    names = {room: room.replace("/", "_") for room in rooms}
    lines = ["```mermaid", "graph TD"]
    lines += [f'    {names[room]}["{room}/"]' for room in rooms]
    lines += [f"    {names[room]} --> {names[other]}" for room, other in sorted(drawn - _implied(drawn))]
    return "\n".join([*lines, "```"])


def _implied(drawn: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows whose end can be reached on a longer way."""
    reached = set(drawn)
    while more := {(a, d) for a, b in reached for c, d in drawn if b == c} - reached:
        reached |= more
    return {(a, d) for a, b in drawn for c, d in reached if b == c}


def _arrows_of(file: Path) -> Iterator[Arrow]:
    source = file.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for module in _modules(node, file):
            if target := _file_of(module):
                yield Arrow(source, target, node.lineno)


def _modules(node: ast.AST, file: Path) -> Iterator[Path]:
    """The modules that an import names, as paths without an ending: relative ones, of the pack, or beside bench/run.py.

    An imported name may be a module itself.
    """
    if isinstance(node, ast.Import):
        bases, names = [name.name for name in node.names], []
    elif isinstance(node, ast.ImportFrom):
        bases, names = [node.module or ""], [name.name for name in node.names]
    else:
        return
    for base in bases:
        parts = base.split(".") if base else []
        if getattr(node, "level", 0):
            folder = file.parents[node.level - 1]
        elif parts[0] == "tap_pack":
            folder, parts = ROOT, parts[1:]
        else:
            folder = ROOT / "bench"
        place = folder.joinpath(*parts)
        inner = [place / name for name in names if _file_of(place / name)]
        yield from inner or [place]


def _file_of(module: Path) -> str:
    """The file of a module, from the root of the repository; "" if it is none of ours."""
    both = (module.with_name(f"{module.name}.py"), module / "__init__.py")
    return next((path.relative_to(ROOT).as_posix() for path in both if path.is_file() and ROOT in path.parents), "")


def written(page: str) -> str:
    """The page with the drawing of today between its marks."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{drawing()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
