"""The file of rows, after interruptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from figures.row_file import RowFile

COLUMNS = ("name", "seed", "value")


def opened(path: Path) -> RowFile:
    """The file at this path."""
    return RowFile(path, COLUMNS, ("name", "seed"))


def test_rows_are_there_again_after_an_interruption(tmp_path: Path) -> None:
    rows = opened(tmp_path / "rows.csv")
    rows.add({"name": "a, b", "seed": 1, "value": 0.1})
    rows.add({"name": 'says "no"', "seed": 1, "value": None})
    again = opened(tmp_path / "rows.csv")
    assert again.rows == rows.rows
    assert again.has({"name": "a, b", "seed": 1}) and not again.has({"name": "a, b", "seed": 2})
    assert again.rows[1]["value"] == ""


def test_a_row_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    opened(file).add({"name": "a", "seed": 1, "value": 2})
    with file.open("a", encoding="utf-8") as half:
        half.write("b,1,0.123")
    rows = opened(file)
    assert not rows.has({"name": "b", "seed": 1})
    rows.add({"name": "b", "seed": 1, "value": 0.12345})
    assert file.read_text(encoding="utf-8").splitlines() == ["name,seed,value", "a,1,2", "b,1,0.12345"]


def test_the_row_of_a_retried_task_is_not_added_twice(tmp_path: Path) -> None:
    rows = opened(tmp_path / "rows.csv")
    for _ in range(2):
        rows.add({"name": "a", "seed": 1, "value": 2})
    assert len(rows.rows) == 1
    assert len((tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("name,value\na,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"name, value.*name, seed, value.*another --output"):
        opened(file)
    assert file.read_text(encoding="utf-8") == "name,value\na,1\n"
