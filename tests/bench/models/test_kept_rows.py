"""Rows that are carried on: what is there is not measured again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models import kept_rows


@pytest.mark.parametrize(("part", "label"), [("telling", "telling_demo"), ("", "demo")])
def test_what_is_there_is_not_measured_again(monkeypatch: pytest.MonkeyPatch, part: str, label: str) -> None:
    kept = {"weights": "one", "rows": [{"model": "demo", "steps": 8, "found": 1}]}
    monkeypatch.setattr(kept_rows, "read_results", lambda name: kept)
    monkeypatch.setattr(kept_rows, "write_results", lambda name, arguments, found, part: written.append((part, found)))
    for weights, fresh, measured in (("one", False, [20]), ("other", False, [8, 20]), ("one", True, [8, 20])):
        written: list[tuple] = []
        stage, asked = SimpleNamespace(name="demo", weights=weights), []
        kept["rows"] = [{"model": "demo", "steps": 8, "found": 1}]
        kept_rows.add_missing("closeness", part, stage, [], fresh, ({"steps": steps} for steps in (8, 20)),
                              lambda cell, asked=asked: asked.append(cell["steps"]) or {"found": 2})
        assert asked == measured and written[-1][0] == label
        assert [row["steps"] for row in written[-1][1]["rows"]] == [8, 20]
