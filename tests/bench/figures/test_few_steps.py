"""What the help pages and README say of runs of 8 steps is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SAID = {"README.md": "*good* computes {} or {} of 8", "web/docs/TapAccelerate.md": "*good* computes {} or {} of 8",
        "web/docs/TapAccelerate/zh.md": "*good* 在 8 步中计算 {} 或 {} 步"}


def computed(quality: str) -> set[int]:
    """How many of 8 steps a quality computed, in any picture of the three models."""
    rows = [row for model in ("demo", "words", "balls")
            for row in json.loads((ROOT / f"bench/results/closeness_{model}.json").read_text(encoding="utf-8"))["rows"]]
    return {calls for row in rows if row["steps"] == 8 for calls in row["qualities"][quality]["calls"]}


@pytest.mark.parametrize("page", SAID)
def test_how_many_of_8_steps_good_computes_is_said_as_measured(page: str) -> None:
    least, most = sorted(computed("good"))
    assert SAID[page].format(least, most) in (ROOT / page).read_text(encoding="utf-8")
