"""The pairs of the help page are drawn by what TAP does today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from closeness import pictures
from figures.metrics import psnr, ssim
from models.stage import open_stage

DOCS = Path(__file__).resolve().parents[3] / "web" / "docs"


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, int, float, float]]:
    """From close to far: word, computed steps, PSNR and SSIM."""
    stage = open_stage("demo")
    full = stage.take(pictures.SHOT, pictures.COURSE)
    return [(words, take.calls, psnr(take.frames, full.frames), ssim(take.frames, full.frames))
            for words, take in reversed(list(pictures.by_words(stage, full)))]


def test_every_word_has_a_pair_and_two_measures_agree_on_the_order(pairs: list[tuple]) -> None:
    assert len(pairs) == 4
    for column in zip(*[pair[1:] for pair in pairs], strict=True):
        assert list(column) == sorted(column, reverse=True)


@pytest.mark.parametrize("page", ["TapAccelerate.md", "TapAccelerate/zh.md"])
def test_the_page_has_their_figures(pairs: list[tuple], page: str) -> None:
    """Up to what another processor rounds differently."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if "closeness.jpg" in line)
    calls = re.findall(r"\d+", lines[at].partition("CFG 4")[2])[: len(pairs)]
    assert list(map(int, calls)) == pytest.approx([pair[1] for pair in pairs], abs=2)
    figures = list(map(float, re.findall(r"\d+\.\d+", " ".join(lines[at + 1 : at + 4]))))
    assert figures[:4] == pytest.approx([pair[2] for pair in pairs], abs=1.5)
    assert figures[4:8] == pytest.approx([pair[3] for pair in pairs], abs=0.01)
