"""Runs every row of the compatibility matrix on every model that it names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matrix_row import Row
from matrix_show import BEGIN, END, PAGE, short_table
from matrix_stage import STAGES
from matrix_table import CASES, ROWS


@pytest.mark.parametrize(("row", "model"), CASES, ids=[f"{row.plugged_in} - {model}" for row, model in CASES])
def test_what_is_plugged_in_does_not_break_the_picture(
    row: Row, model: str, record_property: Callable[[str, str], None]
) -> None:
    record_property("row", str(row))
    record_property("model", model)
    record_property("found", row.check(STAGES[model]))


def test_rows_have_names_of_their_own() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)


def test_the_page_of_the_bridge_shows_the_rows() -> None:
    assert short_table(ROWS) in PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
