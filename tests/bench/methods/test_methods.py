"""`methods`, on a few of its rows; in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from methods import command as methods

FEW = ["--size", "64", "--shots", "1", "--budgets", "10", "--methods", "FORA", "TeaCache", "euler"]


def test_every_row_has_its_scores_and_a_second_run_adds_none(tmp_path: Path) -> None:
    arguments = [*FEW, "--results", str(tmp_path)]
    found = methods.run(arguments)
    assert [row["name"] for row in found["rows"]] == ["FORA", "TeaCache", "euler, fewer steps"]
    for row in [*found["rows"], found["full"]]:
        assert row["psnr"] > 15 and 0.3 < row["ssim"] < 1 and 0 < row["latent_error"] < 2
    fora, teacache, euler = found["rows"]
    assert fora["full_steps"] == 10 and abs(teacache["full_steps"] - 10) <= 1 and euler["full_steps"] == 10
    floor = found["full"]
    assert all(row["latent_error"] < floor["latent_error"] and row["psnr"] > floor["psnr"] for row in found["rows"])

    kept = json.loads((tmp_path / "methods.json").read_text(encoding="utf-8"))
    assert kept["command"].startswith("python3 bench/run.py methods --size 64")
    assert kept["rows"] == found["rows"]
    assert (tmp_path / "pareto.png").stat().st_size > 5000
    assert methods.run(arguments)["rows"] == found["rows"]

    # One of them again; the file says how the others were found.
    again = methods.run([*arguments, "--methods", "FORA", "--fresh"])
    assert [row["name"] for row in again["rows"]] == ["TeaCache", "euler, fewer steps", "FORA"]
    assert again["rows"][:2] == found["rows"][1:]
    assert again["rows"][2]["psnr"] == pytest.approx(fora["psnr"])
    assert again["earlier"] == [kept["command"]]


def test_the_models_tables_come_from_a_measured_run(tmp_path: Path) -> None:
    polynomial, ratios = methods.measure_model(methods.DemoStage(64), 8000, 60)
    assert len(polynomial) == 5
    # One ratio a step, the first for nothing.
    assert len(ratios) == 50 and ratios[0] == 1.0
    assert all(0.3 < ratio < 3 for ratio in ratios[1:])
    assert ratios[25] != pytest.approx(1.0, abs=1e-6)
