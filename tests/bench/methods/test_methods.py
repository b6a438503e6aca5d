"""`methods`, on a few of its rows; in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from methods import command as methods
from methods.few_table import FLOOR
from methods.rows import CourseRows
from methods.table import markdown
from models.demo_stage import DemoStage
from models.stage import Stage, open_stage

FEW = ["--budgets", "10", "--methods", "FORA", "TeaCache", "euler"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One picture of 64 x 64 pixels in place of eight of 256 x 256."""
    demo, whole = DemoStage(64), open_stage("demo")
    stage = Stage("demo", demo.model, (16, 8, 8), whole.prompt, whole.decode, demo.fingerprint)
    monkeypatch.setattr(methods, "open_stage", lambda name: stage)
    monkeypatch.setattr(methods, "SHOTS", range(1))
    return stage


def test_every_row_has_its_scores_and_a_second_run_adds_none(tmp_path: Path) -> None:
    arguments = [*FEW, "--results", str(tmp_path)]
    found = methods.run(arguments)
    floor, fora, teacache, euler = found["rows"]
    assert [row["name"] for row in found["rows"]] == [FLOOR, "FORA", "TeaCache", "euler, fewer steps"]
    for row in found["rows"]:
        assert row["psnr"] > 15 and 0.3 < row["ssim"] < 1 and row["psnr_worst"] <= row["psnr"]
    assert fora["calls"] == 10 and abs(teacache["calls"] - 10) <= 1 and euler["calls"] == 10
    assert fora["cache_bytes"] > 0 and "cache_bytes" not in euler
    assert all(row["psnr"] > floor["psnr"] for row in (fora, teacache, euler))

    kept = json.loads((tmp_path / "methods.json").read_text(encoding="utf-8"))
    assert kept["command"].startswith("python3 bench/run.py methods --budgets 10")
    assert kept["rows"] == found["rows"]
    assert (tmp_path / "pareto.png").stat().st_size > 5000
    assert methods.run(arguments)["rows"] == found["rows"]

    # One of them again; the file says how the others were found.
    again = methods.run([*arguments, "--methods", "FORA", "--fresh"])
    assert [row["name"] for row in again["rows"]] == [FLOOR, "TeaCache", "euler, fewer steps", "FORA"]
    assert again["rows"][:3] == [floor, teacache, euler]
    assert again["rows"][3]["psnr"] == pytest.approx(fora["psnr"])
    assert again["earlier"] == [kept["command"]]


def test_the_table_has_the_worst_picture_and_the_calls_of_a_row_that_has_others() -> None:
    base = {"steps": 50, "cfg": 2.0, "psnr_worst": 30.04, "ssim": 0.99, "seconds": 1.0, "budget": 10}
    rows = [{**base, "name": FLOOR, "budget": 0, "psnr": 20.0, "calls": 50},
            {**base, "name": "near", "psnr": 40.0, "calls": 10.5, "cache_bytes": 2_000_000},
            {**base, "name": "far", "psnr": 50.0, "calls": 12, "says": "otherwise"},
            {"steps": 50, "cfg": 2.0, "budget": 10, "name": "failing", "error": "TapError: no picture"}]
    lines = markdown({"rows": rows, "shots": [0]}).splitlines()
    assert "| near | 40.0 (30.0) / 0.990 [10.5] | 1.00 | 2.00 |" in lines
    assert "| far | not reached [12.0] | 1.00 | 0.00 |" in lines
    assert "| failing | fails: no picture | - | 0.00 |" in lines
    assert lines.index("| near | 40.0 (30.0) / 0.990 [10.5] | 1.00 | 2.00 |") == 4
    assert "Set differently to come close to the column: far at 10: otherwise." in lines


def test_the_models_tables_come_from_a_measured_run(small: Stage) -> None:
    study = CourseRows(small, methods.COURSE, [], lambda: None, (10,), (), range(1))
    dials = {name: contender.dials[0].rule(0.1) for name, contender in study._contenders.items()
             if name in ("TeaCache", "MagCache")}
    assert len(dials["TeaCache"].coefficients) == 5
    ratios = dials["MagCache"].ratios
    # One ratio a step, the first for nothing.
    assert len(ratios) == 50 and ratios[0] == 1.0
    assert all(0.3 < ratio < 3 for ratio in ratios[1:])
    assert ratios[25] != pytest.approx(1.0, abs=1e-6)
