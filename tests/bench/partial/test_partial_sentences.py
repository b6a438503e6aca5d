"""The figures in what is said of whole runs with SADA's criterion to the end are those of the results."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODELS = ("demo", "words", "balls")
STUDY, HELP, CHINESE = "bench/partial/README.md", "web/docs/TapSchedule.md", "web/docs/TapSchedule/zh.md"
IN_FULL, IN_PART = "computed in full", "computed in part"


@lru_cache
def runs() -> dict[tuple[str, str], dict]:
    """Of each model and way the run in which the criterion is used to the end."""
    rows = json.loads((ROOT / "bench" / "results" / "partial.json").read_text(encoding="utf-8"))["runs"]
    return {(row["model"], row["way"]): row for row in rows if row["stretch"] == "criterion to the end"}


def psnr(way: str) -> list[float]:
    """Of each model."""
    return [runs()[model, way]["psnr"] for model in MODELS]


def gained() -> list[float]:
    """By how many dB steps in part are closer, of each model."""
    return [part - full for part, full in zip(psnr(IN_PART), psnr(IN_FULL), strict=True)]


def saved() -> list[float]:
    """How many steps less are computed with steps in part, of each model."""
    return [runs()[model, IN_FULL]["computed"] - runs()[model, IN_PART]["computed"] for model in MODELS]


def ends(*series: list[float]) -> list[float]:
    """Least and most of each."""
    return [end for values in series for end in (min(values), max(values))]


SENTENCES = [
    (HELP, lambda: "are {:.0f} to {:.0f} dB closer, with no more computed. But both are then far off, at {:.0f} to "
                   "{:.0f} dB without it and {:.0f} to {:.0f} with it".format(
                       *ends(gained(), psnr(IN_FULL), psnr(IN_PART)))),
    (CHINESE, lambda: "高 {:.0f} 至 {:.0f} dB。".format(*ends(gained()))),
    (CHINESE, lambda: "不用时为 {:.0f} 至 {:.0f} dB".format(*ends(psnr(IN_FULL)))),
    (CHINESE, lambda: "用时为 {:.0f} 至 {:.0f} dB".format(*ends(psnr(IN_PART)))),
    (STUDY, lambda: "closer, by {:.1f}, {:.1f} and {:.1f} dB on *demo*, *words* and *balls*".format(*gained())),
    (STUDY, lambda: "with {:.1f} to {:.1f} steps less computed; but without it these are at {:.0f} to {:.0f} dB".format(
        *ends(saved(), psnr(IN_FULL)))),
]


@pytest.mark.parametrize(("file", "words"), SENTENCES)
def test_figures_in_a_text_are_those_of_the_results(file: str, words: Callable[[], str]) -> None:
    assert words() in " ".join((ROOT / file).read_text(encoding="utf-8").split())


def test_no_more_is_computed_and_every_model_is_closer() -> None:
    assert min(saved()) >= 0 and min(gained()) > 0
