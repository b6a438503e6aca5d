"""The figures in what is said of learned weights and moved sigmas are those of the results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from figures.page import read_results

README = Path(__file__).resolve().parents[3] / "bench" / "learned" / "README.md"


def learned_gain(row: str, name: str, than: str) -> str:
    """How many dB a way of `learned` is above another, on each model."""
    scores = {each["model"]: each["scores"] for each in read_results("learned")["rows"] if each["name"] == row}
    demo, words, balls = (round(scores[model][name]["psnr"] - scores[model][than]["psnr"], 1)
                          for model in ("demo", "words", "balls"))
    return f"{demo + 0:.1f}, {words + 0:.1f} and {balls + 0:.1f}"  # + 0 makes -0.0 a 0.0


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


OPEN, CLOSED, OWN = "learned on full runs", "learned on skipping runs", "TAP's own"
CLOSED_LOOP = [
    lambda: f"In closed loop they are {learned_gain('weights, 20 steps', CLOSED, OWN)} above them with 20 steps, and "
            f"{learned_gain('weights, 50 steps', CLOSED, OWN)} with 50.",
    lambda: f"So closed loop adds {learned_gain('weights, 20 steps', CLOSED, OPEN)} dB to weights from full runs with "
            f"20 steps, and {learned_gain('weights, 50 steps', CLOSED, OPEN)} with 50",
]


@pytest.mark.parametrize("words", CLOSED_LOOP)
def test_what_is_said_of_closed_loop_is_in_the_results(words: Callable[[], str]) -> None:
    assert words() in " ".join(README.read_text(encoding="utf-8").split())


def test_closed_loop_does_not_pay() -> None:
    """Where this fails the words around these figures have to be written anew."""
    scores = [each["scores"] for each in read_results("learned")["rows"] if each["name"].startswith("weights")]
    assert all(found[CLOSED]["psnr"] - found[OPEN]["psnr"] < 0.2 for found in scores)
    beside = f"{CLOSED}, beside {OWN}"
    most = max(abs(found[beside]["psnr"] - found[OWN]["psnr"]) for found in scores)
    assert f"changes by more than {most:.1f} dB" in README.read_text(encoding="utf-8")
    at_20 = [each["scores"] for each in read_results("learned")["rows"] if each["name"] == "weights, 20 steps"]
    assert all(found[CLOSED]["psnr"] - found[OWN]["psnr"] < 1 for found in at_20)
