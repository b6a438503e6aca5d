"""TAP Report as ComfyUI runs it: text for people, figures for programs."""

from __future__ import annotations

import json

import pytest
import torch
from tap_pack.nodes.report import TapReport
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.record.summary import report_text, summary_line

from made_records import full_record, made_record

AFTER = torch.zeros(1, 8, 8, 3)
KEYS = {"steps", "full_steps", "skipped_steps", "seconds_full_median", "seconds_skipped_median", "seconds_total",
        "predictors", "cache_bytes", "fallbacks"}


def reported(record: TapRecord | None) -> tuple[str, str, dict]:
    """The output, the text on the node, and the figures."""
    holder = RecordHolder()
    if record is not None:
        holder.fill(record)
    output = TapReport.execute(record=holder, after=AFTER)
    assert json.loads(json.dumps(output.ui)) == {key: list(value) for key, value in output.ui.items()}
    return output[0], output.ui["text"][0], json.loads(output.ui["tap_report"][0])


def test_text_and_figures_agree_with_the_record() -> None:
    record = made_record(steps=20)
    output, shown, figures = reported(record)
    assert output == shown == report_text(record)
    assert summary_line(record) in output
    assert set(figures) >= KEYS
    assert figures == json.loads(json.dumps(record.report()))
    assert figures["full_steps"] == record.full_steps
    assert len(figures["full_steps"]) + len(figures["skipped_steps"]) == figures["steps"] == 20
    assert sum(figures["predictors"].values()) == pytest.approx(1)


def test_before_any_run_a_sentence_says_what_to_connect() -> None:
    output, shown, figures = reported(None)
    assert output == shown
    assert output.startswith("No run was recorded.")
    assert set(figures) >= KEYS
    assert figures["full_steps"] == figures["skipped_steps"] == []


def test_a_run_that_skipped_nothing_says_why() -> None:
    output, _, figures = reported(full_record(interval=1))
    assert "interval is 1" in output
    assert figures["skipped_steps"] == []
    assert figures["predictors"] == {}


def test_a_value_that_is_not_a_record_is_refused() -> None:
    with pytest.raises(TapError, match="record is a Tensor"):
        TapReport.execute(record=AFTER, after=AFTER)


def test_the_schema_needs_record_and_after() -> None:
    schema = TapReport.GET_SCHEMA()
    assert [i.id for i in schema.inputs] == ["record", "after"]
    assert schema.is_output_node
