"""What the words mean by another measure: SSIM of the rows that other studies keep, by the word that their PSNR has."""

from __future__ import annotations

from pathlib import Path
from statistics import median, quantiles

import pytest
from tap_pack.tap_core.closeness import ANOTHER, DETAIL, REDRAWN, SAME, words_of

from figures.page import read_results
from models.stage import MODELS

PAGE = Path(__file__).resolve().parents[3] / "bench" / "closeness" / "README.md"
ROWS = [row for study in ("placement", "methods_few") for model in MODELS
        for row in read_results(f"{study}_{model}")["rows"] if "ssim" in row]


def span(word: str) -> str:
    """Nine of ten rows with this word lie between these SSIMs."""
    parts = quantiles((row["ssim"] for row in ROWS if words_of(round(row["psnr"])) == word), n=20)
    return f"| {word} | {parts[0]:.2f} to {parts[-1]:.2f} |"


def test_ssim_agrees_on_the_order_of_the_words() -> None:
    """And takes a word for the one but next in less than a quarter of the rows."""
    found = {word: [row["ssim"] for row in ROWS if words_of(round(row["psnr"])) == word]
             for word in (SAME, DETAIL, REDRAWN, ANOTHER)}
    middle = [median(each) for each in found.values()]
    assert middle == sorted(middle, reverse=True)
    for close, far in ((SAME, REDRAWN), (DETAIL, ANOTHER)):
        cut = (median(found[close]) + median(found[far])) / 2
        assert sum(each > cut for each in found[close]) > 0.75 * len(found[close])
        assert sum(each < cut for each in found[far]) > 0.75 * len(found[far])


@pytest.mark.parametrize("word", [SAME, DETAIL, REDRAWN, ANOTHER])
def test_ssim_agrees_with_the_words(word: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert span(word) in text, span(word)
    assert f"{len(ROWS):,} rows" in text
