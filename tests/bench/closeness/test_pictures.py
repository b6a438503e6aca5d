"""The pairs of the help page are drawn by what TAP does today."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from closeness import pictures
from figures.metrics import psnr, ssim
from models.stage import Take, open_stage
from real.image_metrics import loaded

DOCS = Path(__file__).resolve().parents[3] / "web" / "docs"
WEIGHTS = Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth"


@pytest.fixture(scope="module")
def takes() -> tuple[Take, list[tuple[str, Take]]]:
    """The full picture, and from close to far the words with their pictures."""
    stage = open_stage("demo")
    full = stage.take(pictures.SHOT, pictures.COURSE)
    return full, list(pictures.by_words(stage, full))[::-1]


@pytest.fixture(scope="module")
def pairs(takes: tuple[Take, list[tuple[str, Take]]]) -> list[tuple[str, int, float, float]]:
    """From close to far: word, computed steps, PSNR and SSIM."""
    full, found = takes
    return [(words, take.calls, psnr(take.frames, full.frames), ssim(take.frames, full.frames))
            for words, take in found]


def test_every_word_has_a_pair_and_two_measures_agree_on_the_order(pairs: list[tuple]) -> None:
    assert len(pairs) == 4
    for column in zip(*[pair[1:] for pair in pairs], strict=True):
        assert list(column) == sorted(column, reverse=True)


@pytest.mark.skipif(find_spec("lpips") is None or not WEIGHTS.exists(), reason="LPIPS or its weights are not installed")
def test_lpips_agrees_on_the_order(takes: tuple[Take, list[tuple[str, Take]]]) -> None:
    full, found = takes
    apart = [loaded("lpips")(take.frames, full.frames, "") for _, take in found]
    assert apart == sorted(apart)


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
