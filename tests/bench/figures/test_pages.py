"""What studies show of the figures that are kept."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from figures import page
from figures.places import RESULTS
from figures.readme_blocks import blocks, readme

PAGES = ("cost", "memory", "overhead", "engine", "methods", "quality", "placement", "choice", "drift", "samplers",
         "replay", "closeness", "calibration", "learned", "partial")


def page_of(name: str) -> page.Page:
    """The page of a study."""
    return importlib.import_module(f"{name}.command").PAGE


def test_the_plots_of_the_kept_figures_are_those_that_are_there(tmp_path: Path) -> None:
    for name in PAGES:
        page_of(name).draw(page_of(name).kept(), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in RESULTS.glob("*.png")}
    assert all(file.stat().st_size > 5000 for file in tmp_path.iterdir())


def test_redraw_measures_nothing_and_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(page, "put_block", lambda name, text: shown.append((name, text)))
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("engine.command").run(["--redraw"])
    assert not ended.value.code
    assert shown == [("engine", blocks()["engine"])]
    assert "<!-- engine: end -->" in readme("engine").read_text(encoding="utf-8")
