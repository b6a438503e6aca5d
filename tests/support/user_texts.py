"""Every text of the pack that a person reads, by where it stands."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Code and fields in a text, which are no words: `name`, {name}, ${name}.
CODE = re.compile(r"`[^`\n]+`|\$?\{[^{}]*\}")
JS_TEXT = re.compile(r"\"([^\"\n]*)\"|`([^`]*)`")
JS_COMMENT = re.compile(r"/\*.*?\*/|(?m:^\s*//.*$)", re.DOTALL)


def english_texts() -> dict[str, str]:
    """Pages, locales, templates, messages of Python and of the browser's side."""
    return {where: CODE.sub(" ", text) for where, text in (
        *_pages("README.md", "web/docs/*.md"), *_locales("en"), *_notes(),
        *(found for room in ("nodes", "tap_core", "demo/templates") for found in _python(room)), *_scripts())}


def chinese_texts() -> dict[str, str]:
    """Pages and locales."""
    return {where: CODE.sub(" ", text) for where, text in (*_pages("web/docs/*/zh.md"), *_locales("zh"))}


def _pages(*patterns: str) -> Iterator[tuple[str, str]]:
    for path in (path for pattern in patterns for path in sorted(ROOT.glob(pattern))):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def _locales(language: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "locales" / language).glob("*.json")):
        yield path.relative_to(ROOT).as_posix(), "\n".join(_leaves(json.loads(path.read_text(encoding="utf-8"))))


def _leaves(words: dict) -> Iterator[str]:
    for value in words.values():
        yield from _leaves(value) if isinstance(value, dict) else [value]


def _notes() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "workflows").glob("*.json")):
        nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
        yield path.name, "\n".join(node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote")


def _python(room: str) -> Iterator[tuple[str, str]]:
    """Sentences and names in the source: all that is no docstring and has two spaces or more."""
    for path in sorted((ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = _text_of(node) if node not in silent else ""
            if text.count(" ") >= 2:
                yield f"{path.relative_to(ROOT).as_posix()}, line {node.lineno}, column {node.col_offset}", text


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _scripts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "web").rglob("*.js")):
        source = JS_COMMENT.sub("", path.read_text(encoding="utf-8"))
        texts = ("".join(found.groups("")) for found in JS_TEXT.finditer(source))
        yield path.relative_to(ROOT).as_posix(), "\n".join(text for text in texts if " " in text)
