"""`quality`: its cells, what it counts, its tables and plots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quality import command as quality
from quality import plots
from quality.cells import Cell, all_cells
from quality.choice_shares import choice_shares
from quality.shot import shoot_cell, stage_of


def test_cells_are_all_different() -> None:
    cells = all_cells()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.figure for cell in cells} == {"orders x horizons", "single predictors", "proxy loss", "probe"}
    for cell in cells:
        cell.tap_settings()


def test_tables_and_plots_are_made(tmp_path: Path) -> None:
    arguments = ["--size", "64", "--shots", "1", "--figures", "probe", "--output", str(tmp_path / "rows"),
                 "--results", str(tmp_path / "results")]
    found = quality.run(arguments)
    modulated, raw = found["cells"]
    assert modulated["full_steps"] == raw["full_steps"] == 8
    # The raw probe is another one, and both are closer than another seed.
    assert modulated["psnr"] != raw["psnr"]
    assert min(modulated["psnr"], raw["psnr"]) > found["floor"]["psnr"]
    kept = json.loads((tmp_path / "results" / "quality.json").read_text(encoding="utf-8"))
    assert kept["command"].startswith("python3 bench/run.py quality --size 64")
    assert kept["machine"]["cpu"] and kept["versions"]["torch"] and kept["date"]
    assert kept["cells"] == found["cells"]
    assert (tmp_path / "results" / "choices.png").stat().st_size > 5000
    # A second time nothing is sampled for the cells.
    again = quality.run(arguments)
    assert again["cells"] == found["cells"]


def test_shares_are_those_of_the_tokens() -> None:
    stage = stage_of(64)
    record = shoot_cell(stage, Cell("choices", "TAP", "N", {"interval": 10}), 9000, 70).record
    shares = choice_shares([record])
    assert sorted(shares["order"]) == record.skipped_steps
    for kind in shares.values():
        for step in kind.values():
            assert sum(step.values()) == pytest.approx(1)
    used = record.evaluations[record.skipped_steps[0]].choices
    zeros = sum(int((choice.order == 0).sum()) for choice in used) / sum(choice.order.numel() for choice in used)
    assert shares["order"][record.skipped_steps[0]].get("0", 0.0) == pytest.approx(zeros)


def test_every_plot_is_drawn(tmp_path: Path) -> None:
    cells = [{"figure": cell.figure, "row": cell.row, "column": cell.column, "psnr": 30.0 + place}
             for place, cell in enumerate(all_cells())]
    choices = {"order": {"3": {"0": 1.0}}, "horizon": {"3": {"-1": 0.4, "0": 0.6}}}
    plots.plot_quality({"cells": cells, "choices": choices}, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"orders_horizons.png", "single_predictors.png", "choices.png"}
