"""The study of what is learned from runs: rows of a real stage with few steps, and its tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from learned import command as study
from models.stage import Course, open_stage


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """One row of each kind of the demo model, from two pictures."""
    patch = pytest.MonkeyPatch()
    patch.setattr(study, "SHOTS", range(100, 101))
    patch.setattr(study, "TRACE_SHOTS", (903,))
    patch.setattr(study, "CALLS", 6)
    stage, course = open_stage("demo"), Course(steps=10)
    made = [{"model": "demo", "name": "weights, 20 steps", **study.weights(stage, course)},
            {"model": "demo", "name": "sigmas, CFG 1", **study.sigmas(stage, replace(course, cfg=1.0))}]
    patch.undo()
    return made


def test_each_way_has_a_score(rows: list[dict]) -> None:
    assert list(rows[0]["scores"]) == list(study.POOLS)
    assert len({score["psnr"] for score in rows[0]["scores"].values()}) == len(study.POOLS)
    assert all(score["psnr"] > 25 for row in rows for score in row["scores"].values())
    assert len(rows[0]["full"]) == len(rows[1]["full"]) == 6


def test_moved_sigmas_are_those_that_were_sampled(rows: list[dict]) -> None:
    moved = rows[1]["sigmas"]
    assert [len(sigmas) for sigmas in moved.values()] == [11, 11]
    scores = rows[1]["scores"]
    assert len({score["psnr"] for score in scores.values()}) == 5


def test_the_tables_show_them(rows: list[dict]) -> None:
    shown = study.markdown({"rows": rows})
    score = rows[0]["scores"][study.POOLS[1]]
    assert f"| {study.POOLS[1]} | 20 steps | {score['psnr']:.1f} ({score['worst']:.1f})" in shown
    assert f"| as they are | CFG 1 | {rows[1]['scores']['as they are']['psnr']:.1f} (" in shown
