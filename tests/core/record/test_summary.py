"""The run in words: right figures, only ASCII, and a reason when nothing was skipped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tap_pack.tap_core.closeness import Closeness
from tap_pack.tap_core.record.record import Evaluation, TapRecord
from tap_pack.tap_core.record.run_line import result_line, run_line
from tap_pack.tap_core.record.summary import (
    NOT_REACHED,
    report_text,
    speed_up,
    step_table,
    summary_line,
    why_nothing_skipped,
)

from made_records import full_record, made_record


def test_the_line_has_steps_gain_seconds_and_cache() -> None:
    record = made_record(steps=50)
    assert len(record.full_steps) == 18
    assert summary_line(record) == (
        f"18 of 50 steps computed (2.8x fewer), about {speed_up(record):.1f}x faster: 1.5 s; "
        "how close the picture is, is not known; cache 2.5 MB"
    )


@pytest.mark.parametrize(("settings", "said"), [
    ({}, "cache 30 MB"),
    ({"memory_limit": 0}, "cache 30 MB"),
    ({"memory_limit": 30}, "cache 30 MB"),
    ({"memory_limit": 20}, "cache 30 MB, at most 20 MB of it on the model's device, the rest on the CPU"),
    ({"memory_limit": 20, "cache_device": "cpu"}, "cache 30 MB"),
], ids=str)
def test_the_words_tell_where_what_is_kept_lies(settings: dict, said: str) -> None:
    record = made_record(steps=50)
    record.cache_bytes, record.settings = 30 * 10**6, settings
    assert f"; {said}" in summary_line(record)
    assert f"Cache:      {said.removeprefix('cache ')}\n" in report_text(record)


def test_the_line_says_how_close_the_picture_is() -> None:
    close = replace(made_record(steps=50), closeness=Closeness(46.6, 39.6, 66.6))
    assert "; no difference to be seen (about 47 dB, mostly 40 to 67); cache" in summary_line(close)
    assert run_line(close).endswith("; no difference to be seen (about 47 dB, mostly 40 to 67)")
    assert result_line(close).endswith("; no difference to be seen (about 47 dB, mostly 40 to 67)")
    assert "no difference to be seen, about 47 dB, mostly 40 to 67 (PSNR" in report_text(close)
    assert "(about" not in summary_line(replace(close, complete=False))


@pytest.mark.parametrize(("settings", "decibels", "said"), [
    ({"quality": "fixed", "interval": 9}, 20.0, ". Set quality to close, or lower interval."),
    ({"quality": "fixed", "interval": 9}, 31.4, ". Set quality to close, or lower interval."),
    ({"quality": "fixed", "interval": 9}, 31.6, ""),
    ({}, 20.0, ". Take out the node at schedule, or change its settings."),
    ({"quality": "draft"}, 28.4, ""),
    ({"quality": "draft"}, 24.6, ""),
    ({"quality": "draft"}, 24.4, ", less close than quality draft asks (28 dB). Set quality higher."),
    ({"quality": "close"}, 38.6, ""),
    ({"quality": "close"}, 38.4, ", less close than quality close asks (42 dB). Set quality higher."),
    ({"quality": "close"}, 33.0, ", less close than quality close asks (42 dB). Set quality higher."),
    ({"quality": "close", "most_computed": 40}, 33.0,
     ", less close than quality close asks (42 dB). Set quality higher."),
    ({"quality": "close", "most_computed": 18}, 33.0,
     ", less close than quality close asks (42 dB). Set most_computed higher, or to 0."),
    ({"quality": "same"}, 25.0,
     ", less close than quality same asks (50 dB). Set interval to 1, which computes every step."),
    ({"quality": "same"}, 47.0, ""),
], ids=str)
def test_the_line_says_what_was_missed_and_what_helps(settings: dict, decibels: float, said: str) -> None:
    close = Closeness(decibels, decibels - 7, decibels + 20)
    record = replace(made_record(steps=50), closeness=close, settings=settings)
    assert len(record.full_steps) == 18
    span = f"about {decibels:.0f} dB, mostly {close.low:.0f} to {close.high:.0f}"
    for words in (run_line(record), result_line(record)):
        assert words.endswith(f"({span}){said}")
    assert f"({span}){said.rstrip('.')}; cache" in summary_line(record)


def test_of_a_part_of_a_run_the_line_says_so() -> None:
    part = replace(made_record(steps=50), closeness=Closeness(30.0, 23.0, 50.0), part_of_run=True)
    part.settings = {"quality": "fixed"}
    assert run_line(part).endswith("(about 30 dB, mostly 23 to 50) in this part of the run. Set quality to close, or "
                                   "lower interval.")
    assert "drawn differently in this part of the run, about 30 dB, mostly 23 to 50" in report_text(part)
    assert part.report()["part_of_run"] and part.report()["closeness_mostly_db"] == [23.0, 50.0]


def test_what_is_not_known_is_said_with_its_reason() -> None:
    record = replace(made_record(steps=50), why_unknown="For a test.")
    assert run_line(record).endswith("; how close the picture is, is not known. For a test.")
    assert "Closeness:  not known. For a test.\n" in report_text(record)


@pytest.mark.parametrize(("quality", "steps", "told"), [
    ("fixed", 8, True), ("fixed", 9, False), ("good", 8, False), (None, 8, False)], ids=str)
def test_the_report_of_a_fixed_number_of_few_steps_says_what_else_there_is(
    quality: str | None, steps: int, told: bool
) -> None:
    record = made_record(steps=steps)
    record.settings["quality"] = quality
    said = f"sampling {len(record.full_steps)} steps without TAP may give a picture that is as close. Set quality to"
    assert (said in report_text(record)) == told


def test_the_gain_is_what_full_steps_would_have_taken() -> None:
    record = made_record(steps=10)  # 4 full steps of 0.1 s, 6 skipped ones of 0.01 s
    record.evaluations[0].seconds = 60.0  # loading the model
    assert speed_up(record) == pytest.approx(1.0 / 0.46)


def test_the_face_says_how_long_it_took_instead_and_how_close_it_is() -> None:
    record = replace(made_record(steps=50), closeness=Closeness(46.6, 39.6, 66.6))  # 18 steps of 0.1 s, 32 of 0.01 s
    assert result_line(record) == ("2.1 s instead of about 5.0 s, 2.4x faster; no difference to be seen (about 47 dB, "
                                   "mostly 40 to 67)")
    record.evaluations[0].seconds = 60.0  # loading the model takes as long without TAP
    assert result_line(record).startswith("2.1 s instead of about 5.0 s")
    record.seconds_replayed = 8.0
    assert result_line(record).startswith("10 s, not faster; ")
    assert "faster" not in result_line(replace(record, complete=False))
    assert result_line(full_record(interval=1)) == run_line(full_record(interval=1))


def test_a_replay_counts_as_time_taken() -> None:
    record = made_record(steps=10)
    record.seconds_replayed = 0.46
    assert speed_up(record) == pytest.approx(1.0 / 0.92)


def test_a_run_that_was_not_faster_claims_nothing() -> None:
    record = made_record()
    for evaluation in record.evaluations:
        evaluation.seconds = 0.1
    assert "fewer), not faster: 1.5 s" in summary_line(record)


def test_without_a_timed_full_step_no_gain_is_claimed() -> None:
    record = made_record(steps=3)
    record.evaluations = record.evaluations[::2]
    assert speed_up(record) is None
    assert "faster" not in summary_line(record)


def test_notes_are_counted_and_the_face_counts_those_that_it_does_not_tell() -> None:
    record = made_record()
    assert "note" not in run_line(record) and "Note:       none\n" in report_text(record)
    record.fallbacks = ["One."]
    for words in (summary_line(record), run_line(record), result_line(record)):
        assert words.endswith("; 1 note, see the report")
    record.fallbacks, record.why_unknown = ["One.", "Two."], "Two."
    assert summary_line(record).endswith("; 2 notes, see the report")
    assert run_line(record).endswith("is not known. Two. 1 note, see the report.")
    assert "Note:       One.\nNote:       Two.\n" in report_text(record)
    record.fallbacks = ["Two."]
    assert run_line(record).endswith("is not known. Two.")


def test_a_stopped_run_says_so() -> None:
    record = replace(made_record(steps=10), complete=False)
    record.evaluations = record.evaluations[:6]
    assert summary_line(record).startswith("stopped after 6 of 10 steps, 3 of 6 steps computed: 1.5 s")
    assert "faster" not in summary_line(record) and "faster" not in run_line(record)


def test_a_step_without_a_counted_model_call_is_neither_computed_nor_forecast() -> None:
    record = made_record(steps=10)
    for evaluation in record.evaluations:
        evaluation.full_calls = evaluation.skipped_calls = 0
        evaluation.choices = []
    assert record.full_steps == record.skipped_steps == []
    assert record.median_seconds(full=False) is None
    assert summary_line(record) == f"No step was forecast. {NOT_REACHED} 1.5 s"


def test_a_schedule_that_chose_every_step_itself_is_asked_for_other_settings() -> None:
    record = full_record(steps=9, interval=5, warmup_steps=3)
    record.evaluations[4].reason = "probe changed"
    assert why_nothing_skipped(record).endswith("Set a longer interval or a higher threshold.")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (TapRecord(), "before its first step"),
        (full_record(interval=1, warmup_steps=3), "interval is 1, which computes every step. Set interval to 2"),
        (full_record(steps=9, interval=5, warmup_steps=3), "computes each of them in any case (warm-up). Sample more"),
        (replace(full_record(steps=9), complete=False), "9 of 9 steps computed, none was forecast yet."),
    ],
)
def test_a_run_that_skipped_nothing_says_why(record: TapRecord, said: str) -> None:
    assert said in why_nothing_skipped(record)
    assert said in summary_line(record)


def test_a_fallback_is_the_reason_before_all_others() -> None:
    record = full_record(interval=1)
    record.fallbacks = ["SDXL is not a model that TAP knows; every step was computed in full."]
    assert why_nothing_skipped(record) == "No step was forecast. " + record.fallbacks[0]


def test_the_table_has_a_line_a_step() -> None:
    record = made_record(steps=10)
    choices = record.evaluations[2].choices[0]
    choices.order = torch.tensor([[0] * 3 + [1] * 9 + [2] * 3], dtype=torch.int8)
    choices.loss = torch.full((1, 15), 1.25e-5)
    lines = step_table(record)
    assert len(lines) == 11
    assert lines[1].split() == ["1", "1.0000", "100.0", "computed:", "warm-up"]
    assert lines[3].endswith("forecast: order 0 20%, 1 60%, 2 20%; loss 1.2e-05")
    assert lines[3].split()[:3] == ["3", "0.8000", "10.0"]


def test_all_evaluations_of_a_step_are_one_line() -> None:
    record = made_record(steps=10)
    record.evaluations.insert(3, Evaluation(2.5, 0.75, skipped_calls=1, seconds=0.02))
    lines = step_table(record)
    assert len(lines) == 11
    assert lines[3].split()[2] == "30.0"


def test_a_partly_computed_step_is_named_so() -> None:
    record = made_record()
    record.evaluations[2].full_calls, record.evaluations[2].reason = 1, "no history"
    assert "partly computed: no history; order" in step_table(record)[3]


def test_the_report_names_everything_that_the_figures_hold() -> None:
    record = made_record(steps=20, conditions=(0, 1), batch=2)
    record.fallbacks = ["the negative prompt had no history at step 3"]
    text = report_text(record)
    assert summary_line(record) in text
    for name, share in record.predictor_shares.items():
        assert f"{name} {share:.1%}" in text
    for word in ("Flux", "interval 3", "100.0 ms computed, 10.0 ms forecast", "2.5 MB", record.fallbacks[0]):
        assert word in text


def test_no_letter_is_beyond_ascii() -> None:
    record = made_record()
    record.model, record.fallbacks = "Fl\u00fcx \u4e2d", ["a \u2192 b"]
    record.evaluations[0].reason = "\u00e9t\u00e9"
    assert report_text(record).isascii()
    assert summary_line(record).isascii()
    empty = full_record()
    empty.fallbacks = ["a \u2192 b"]
    assert summary_line(empty).isascii()


def test_an_empty_record_has_a_report() -> None:
    assert "before its first step" in report_text(TapRecord())
