"""The rules of the browser's side: one door to ComfyUI, nothing that runs text as markup or code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
SOURCES = {file.relative_to(WEB).as_posix(): file.read_text(encoding="utf-8") for file in sorted(WEB.rglob("*.js"))}
DOOR, FACE = "comfy_api.js", "comfy_face.js"


def holding(pattern: str) -> list[str]:
    """Files in which the pattern is found."""
    return [name for name, text in SOURCES.items() if re.search(pattern, text)]


def test_two_files_touch_comfyui() -> None:
    assert holding(r"comfyAPI|LiteGraph|scripts/app|scripts/api|\bapp\.\w|\bapi\.\w") == [DOOR, FACE]


def test_one_extension_is_registered() -> None:
    assert holding(r"registerExtension") == [DOOR]
    assert sum(len(re.findall(r"(?m)^register\(", text)) for text in SOURCES.values()) == 1


@pytest.mark.parametrize("pattern", [
    r"innerHTML|outerHTML|insertAdjacentHTML", r"\beval\(|new Function|document\.write",
])
def test_no_text_becomes_markup_or_code(pattern: str) -> None:
    assert holding(pattern) == []


def test_nothing_is_asked_of_the_network() -> None:
    assert holding(r"https?://|XMLHttpRequest|sendBeacon|WebSocket") == []
    # The only other file that is fetched is a file of the pack.
    assert [line for text in SOURCES.values() for line in text.splitlines() if re.search(r"\bfetch\(", line)] == [
        line for line in SOURCES["menus.js"].splitlines() if "import.meta.url" in line
    ]


def test_no_address_names_the_folder_of_the_pack() -> None:
    """The folder of a clone can have any name."""
    assert holding(r"/extensions/") == []


def test_modules_other_than_the_entry_do_nothing_when_they_are_loaded() -> None:
    """ComfyUI loads every file on its own."""
    for name, text in SOURCES.items():
        if name != "tap.js":
            started = re.findall(r"(?m)^(?!import|export|const|let|function|class|async function|[\s/}*\])]|$).*", text)
            assert started == [], name


def test_lines_fit() -> None:
    long = [f"{name}:{number}" for name, text in SOURCES.items()
            for number, line in enumerate(text.splitlines(), 1) if len(line) > 120]
    assert long == []
