"""The table of `closeness compared` as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from closeness.courses import DEFAULT, WISHES
from closeness.tables import CLOSER, FAR, FARTHER
from figures.table import table
from models.stage import MODELS

NONE, ONE, THREE = "none", "one", "three"
QUALITIES = (DEFAULT, "good")
Picture = tuple[float, float]  # the share of the steps that were computed, and PSNR


def markdown(found: dict) -> str:
    """By model and quality: steps computed and wishes met, without the number and with it."""
    ways = {"0, as it comes": NONE, "by one picture": ONE, "by the middle of three": THREE}
    rows = [row for row in found["rows"] if ONE in row]
    return "\n".join(table(("", *ways), (
        (f"{model}, {quality}", *(cell(pictures(some, way), WISHES[quality]) for way in ways.values()))
        for model in MODELS for quality in QUALITIES
        if (some := [row for row in rows if (row["model"], row["quality"]) == (model, quality)]))))


def pictures(rows: Sequence[dict], way: str) -> list[Picture]:
    """Those of all courses; way: how the number was set."""
    return [(calls / row["steps"], psnr) for row in rows
            for calls, psnr in zip(row[way]["calls"], row[way]["psnr"], strict=True)]


def cell(found: Sequence[Picture], wish: float) -> str:
    """Mean share of the steps that were computed; how often the wish was met, of pictures with skipped steps."""
    off = [wish - psnr for share, psnr in found if share < 1]
    counts = (sum(-CLOSER <= each <= FARTHER for each in off), sum(each < -CLOSER for each in off),
              sum(each > FARTHER for each in off))
    shares = ", ".join(f"{100 * count / len(off):.0f} %" for count in counts)
    return f"{100 * mean(share for share, _ in found):.0f} %; {shares}, {sum(each > FAR for each in off)} of {len(off)}"
