"""Translations and help pages are complete: every node, input and output, in English and Chinese."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tap_pack.nodes import NODES

from node_words import english_words

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "web" / "docs"
# The first heading of a help page, below its picture.
TOUCH = {"en": "What to touch", "zh": "调什么"}
LANGUAGES = ("en", "zh")
IDS = [node.GET_SCHEMA().node_id for node in NODES]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Names of sockets, methods and formats stay as they are in every language.
SAME_IN_ALL = re.compile(r"TAP_[A-Z]+|Taylor|Newton|HiCache|Spectrum|FoCa|DiCache|TC-Pade|FreqCa|TAP|tap"
                         r"|Adams-Bashforth \(AB-Cache\)")
# Everybody downloads the help pages and their pictures with the pack.
MOST_BYTES = 1_500_000


def read(language: str, file: str) -> dict:
    """One file of translations."""
    return json.loads((ROOT / "locales" / language / f"{file}.json").read_text(encoding="utf-8"))


def flat(words: dict, above: str = "") -> dict[str, str]:
    """Every text by its path in the file."""
    found = {}
    for key, value in words.items():
        found |= flat(value, f"{above}{key}/") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def test_english_is_what_the_nodes_say() -> None:
    said, written = flat(english_words()), flat(read("en", "nodeDefs"))
    assert sorted(said.keys() - written.keys()) == [], "missing in locales/en/nodeDefs.json"
    assert sorted(written.keys() - said.keys()) == [], "no longer in any node"
    assert {key: said[key] for key in said if said[key] != written[key]} == {}, "changed in the node"


@pytest.mark.parametrize("file", ["nodeDefs", "main", "settings"])
def test_chinese_has_the_same_texts(file: str) -> None:
    english, chinese = flat(read("en", file)), flat(read("zh", file))
    assert sorted(english.keys() - chinese.keys()) == []
    assert sorted(chinese.keys() - english.keys()) == []


@pytest.mark.parametrize("file", ["nodeDefs", "main", "settings"])
def test_chinese_is_chinese(file: str) -> None:
    chinese = flat(read("zh", file))
    assert [key for key, text in chinese.items() if not CHINESE.search(text) and not SAME_IN_ALL.fullmatch(text)] == []
    long = {key: text for key, text in chinese.items() if key.endswith(("tooltip", "description"))}
    assert [key for key, text in long.items() if text.rstrip()[-1] not in "\u3002\uff09"] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", ["nodeDefs", "main", "settings"])
def test_no_text_has_signs_that_the_frontend_would_take_for_its_own(language: str, file: str) -> None:
    # Vue I18n reads {names}, plural forms between bars, and links that begin with @.
    assert [key for key, text in flat(read(language, file)).items() if re.search(r"[{}|@]", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_settings_and_menu_words_are_those_of_the_browser_side(language: str) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "web").rglob("*.js"))
    identifiers = [key.replace("_", ".", 1) for key in read(language, "settings")]
    menus = list(read(language, "main")["contextMenu"])
    assert [text for text in (*identifiers, *menus) if f'"{text}"' not in source] == []
    if language == "en":
        texts = [entry[key] for entry in read("en", "settings").values() for key in ("name", "tooltip")]
        assert [text for text in texts if text not in source] == []


def test_there_are_no_other_files() -> None:
    found = {path.relative_to(ROOT / "locales").as_posix() for path in (ROOT / "locales").rglob("*.json")}
    assert found == {f"{language}/{file}.json" for language in LANGUAGES for file in ("nodeDefs", "main", "settings")}


def page(name: str, language: str) -> Path:
    """Where the frontend looks: first docs/NODE/zh.md, then docs/NODE.md."""
    return DOCS / f"{name}.md" if language == "en" else DOCS / name / f"{language}.md"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", IDS)
def test_every_node_has_a_help_page_that_names_every_input_and_output(name: str, language: str) -> None:
    text = page(name, language).read_text(encoding="utf-8")
    schema = next(node.GET_SCHEMA() for node in NODES if node.GET_SCHEMA().node_id == name)
    told = set(re.findall(r"`([^`]+)`", text))
    assert {given.id for given in schema.inputs} - told == set()
    assert {given.display_name for given in schema.outputs} - told == set()
    title, picture, *_ = text.split("\n\n")
    assert title == f"# {read(language, 'nodeDefs')[name]['display_name']}"
    assert re.fullmatch(r"!\[[^\]]+\]\([\w.]+\)", picture), "a picture of a real run"
    assert text.split("\n## ")[1].startswith(f"{TOUCH[language]}\n\n* ")
    assert language == "en" or len(CHINESE.findall(text)) > 80


def test_every_picture_of_a_help_page_exists_and_every_picture_is_shown() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")]
    shown = {name for text in texts for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)}
    pictures = {path.name for path in DOCS.iterdir() if path.suffix in (".jpg", ".webp", ".png")}
    assert shown == pictures
    assert sum(path.stat().st_size for path in DOCS.rglob("*") if path.is_file()) < MOST_BYTES


def test_there_is_no_help_page_of_a_node_that_is_gone() -> None:
    pages = {path.stem for path in DOCS.glob("*.md")} | {path.name for path in DOCS.iterdir() if path.is_dir()}
    assert pages == set(IDS)
