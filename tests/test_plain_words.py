"""Every text that a person reads keeps to the words of WORDS.md, in English and in Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from user_texts import ROOT, chinese_texts, english_texts

ENGLISH, CHINESE = english_texts(), chinese_texts()
CHARACTERS = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Word:
    """A line of the page."""

    english: str
    chinese: str
    meaning: str
    unsaid: tuple[str, ...]


def words() -> list[Word]:
    """The lines of the page's table."""
    page = (ROOT / "WORDS.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return [Word(*row[:3], tuple(filter(None, row[3].split(", ")))) for row in rows[2:]]


WORDS = words()


def holding(said: str, texts: dict[str, str]) -> list[str]:
    """Where a word or phrase stands: English as a whole word, in the plural too, Chinese anywhere."""
    found = re.escape(said) if CHARACTERS.search(said) else rf"\b{re.escape(said)}s?\b"
    return [where for where, text in texts.items() if re.search(found, re.sub(r"\s+", " ", text), re.IGNORECASE)]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.english)
def test_a_word_is_used_in_both_languages(word: Word) -> None:
    assert word.meaning and holding(word.english, ENGLISH)
    assert any(word.chinese in text for text in CHINESE.values())
    assert CHARACTERS.search(word.chinese) or word.chinese == word.english


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.english)
def test_what_is_not_said_stands_nowhere(word: Word) -> None:
    assert {said: where for said in word.unsaid if (where := holding(said, ENGLISH | CHINESE))} == {}


def test_one_word_is_for_one_thing() -> None:
    for column in ([word.english for word in WORDS], [word.chinese for word in WORDS]):
        assert len(column) == len(set(column)) > 20
    assert {said for word in WORDS for said in word.unsaid} & {word.english for word in WORDS} == set()


def test_texts_of_every_kind_are_read() -> None:
    """A sentence of each kind that is known to be there."""
    for said in ("take the node out", "What to touch", "Queue the workflow: the map of its run", "No step was forecast",
                 "Decides what is forecast", "Runs on any machine", "Remove one of the two nodes"):
        assert holding(said, ENGLISH), said
    assert holding("sooner", {"a": "It comes sooner."}) and holding("skipped step", {"a": "two skipped\nsteps"})
    assert not holding("near", {"a": "nearly"})
