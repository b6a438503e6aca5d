"""The figures in what is said of learned weights and moved sigmas are those of the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from figures.page import read_results

README = Path(__file__).resolve().parents[3] / "bench" / "learned" / "README.md"


def learned_gain(row: str, name: str, than: str) -> str:
    """How many dB a way of `learned` is above another, on each model."""
    scores = {each["model"]: each["scores"] for each in read_results("learned")["rows"] if each["name"] == row}
    demo, words, balls = (round(scores[model][name]["psnr"] - scores[model][than]["psnr"], 1)
                          for model in ("demo", "words", "balls"))
    return f"{demo:.1f}, {words:.1f} and {balls:.1f}"


@pytest.mark.parametrize(("row", "name", "than"), [
    ("weights, 20 steps", "learned on full runs", "TAP's own"),
    ("weights, 50 steps", "learned on full runs", "TAP's own"),
    ("sigmas, CFG 1", "moved: all steps", "as they are"),
    ("sigmas, CFG 4", "moved: all steps", "as they are"),
    ("sigmas, CFG 1", "moved: skipped steps", "as they are"),
    ("sigmas, CFG 4", "moved: skipped steps", "as they are"),
])
def test_a_gain_in_the_text_is_that_of_the_results(row: str, name: str, than: str) -> None:
    assert learned_gain(row, name, than) in " ".join(README.read_text(encoding="utf-8").split())
