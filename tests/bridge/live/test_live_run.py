"""What a run tells the browser and the log: the plan, every step, and the result."""

from __future__ import annotations

import logging
import re
import threading
import time

import pytest
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.live.plan import plan_of
from tap_pack.nodes.comfy_bridge.live.queue import WAITING, LiveQueue
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.calibrate.every_step import EveryStep
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.record.run_line import result_line
from tap_pack.tap_core.sampling.memory import Memory
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule

from tiny_flux import sample, tiny_flux
from waiting import PATIENCE, wait_until


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What reaches the browser."""
    events: list[dict] = []
    monkeypatch.setattr(live, "browser_of_prompt", lambda: events.append)
    return events


def run_of(steps: int, **settings: object) -> TapRun:
    """A run that has not begun."""
    return TapRun(TapSettings(**settings), [1 - i / steps for i in range(steps + 1)], "Flux")


def sampled(model: ModelPatcher, steps: int = 20, node: str = "7", **settings: object) -> TapRecord:
    """The record of a run that is shown at node `node`."""
    holder, clone = RecordHolder(), model.clone()
    TapPatch(TapSettings(**settings), holder, node).install(clone)
    sample(clone, steps)
    return holder.latest


def last_of(events: list[dict]) -> dict:
    """The event that ends a run; waits for it."""
    assert wait_until(lambda: events and events[-1]["ended"])
    return events[-1]


@pytest.mark.parametrize(("interval", "words"), [(5, "12 of 50"), (6, "10 of 50"), (8, "8 of 50"), (10, "7 of 50")])
def test_the_plan_counts_the_steps_of_the_paper(interval: int, words: str) -> None:
    plan = plan_of(run_of(50, interval=interval, placement="paper"))
    assert plan.words.startswith(f"{words} steps, ")
    assert plan.marks.count("f") == int(words.split()[0]) and len(plan.marks) == 50


def test_the_plan_says_how_many_fewer_calls() -> None:
    assert plan_of(run_of(50)).words == "12 of 50 steps, 4.2x fewer calls"


@pytest.mark.parametrize(("steps", "settings", "reason"), [
    (20, {"interval": 1}, "interval 1"),
    (4, {"warmup_steps": 5, "placement": "paper"}, "lower the warm-up"),
    (3, {"warmup_steps": 3}, "sample more steps"),
    (20, {"given_schedule": ListedSchedule(tuple(range(20)))}, "leave some out"),
])
def test_when_nothing_will_be_skipped_the_plan_says_why(steps: int, settings: dict, reason: str) -> None:
    plan = plan_of(run_of(steps, **settings))
    assert plan.words.startswith("No step will be forecast") and reason in plan.words
    assert plan.marks == "f" * steps


def test_a_run_that_falls_back_has_no_plan() -> None:
    run = run_of(20)
    run.notes.fall_back("This model is computed in full: it is strange.")
    assert plan_of(run).words == "No step will be forecast. This model is computed in full: it is strange."


def test_a_schedule_that_decides_during_the_run_has_no_marks() -> None:
    plan = plan_of(run_of(20, given_schedule=TeaCacheSchedule()))
    assert "decides as it goes" in plan.words and plan.marks == ""


def test_a_measured_run_plans_no_skipped_steps() -> None:
    plan = plan_of(run_of(5, given_schedule=EveryStep()))
    assert plan.words == "every step is computed, to be measured" and plan.marks == "fffff"


def test_the_browser_sees_the_same_run_as_the_record(model: ModelPatcher, told: list[dict]) -> None:
    record = sampled(model)
    event = last_of(told)
    assert event["node"] == "7"
    assert event["marks"] == "".join("f" if step in record.full_steps else "s" for step in range(20)) == event["plan"]
    assert re.match(r"[\d.]+ s( instead of about [\d.]+ s, [\d.]+x|, not) faster; ", event["line"])
    so_far = r"\d+ of 20 steps, (\d+) computed(, about \d+ s left)?(; so far [a-z, ]+ \(about \d+ dB\))?$"
    during = [said for said in told[:-1] if "s" in said["marks"]]
    assert all(int(re.match(so_far, said["line"])[1]) == said["marks"].count("f") for said in during)
    assert event["line"] == result_line(record) and re.search(r"\(about \d+ dB, mostly \d+ to \d+\)", event["line"])
    assert told[0]["marks"] == "." * 20 and told[0]["line"] == plan_of(run_of(20)).words


@pytest.mark.parametrize(("settings", "wish"), [
    ({"quality": "good"}, "good"),
    ({"quality": "good", "most_computed": 5}, "good, at most 5 computed"),
])
def test_the_line_names_what_is_asked_for_and_what_was_spent_through_the_run(
    model: ModelPatcher, told: list[dict], monkeypatch: pytest.MonkeyPatch, settings: dict, wish: str
) -> None:
    evaluated = live.LiveRun.evaluated

    def slowly(run: live.LiveRun) -> None:
        evaluated(run)
        time.sleep(0.03)  # events are a tenth of a second apart

    monkeypatch.setattr(live.LiveRun, "evaluated", slowly)
    sampled(model, **settings)
    ended = last_of(told)["line"]
    lines = [said["line"] for said in told if "s" in said["marks"] and not said["ended"]]
    assert lines and all(re.match(rf"{wish}: \d+ of 20 steps, \d+ computed[,;]?", line) for line in lines)
    assert not ended.startswith("good")


def test_each_run_has_its_own_number(told: list[dict]) -> None:
    for _ in range(50):
        live.LiveRun(run_of(20), "7")  # freed at once, so that the next one may get its place in memory
    assert wait_until(lambda: len({event["run"] for event in told}) == 50)


def test_the_browser_is_told_of_settings_that_do_not_fit_the_run(
    model: ModelPatcher, told: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TapError("This calibration is of another model.")

    monkeypatch.setattr(TapPatch, "make_run", refuse)
    holder, clone = RecordHolder(), model.clone()
    TapPatch(TapSettings(), holder, "7").install(clone)
    sample(clone, 4)
    event = last_of(told)
    assert event["marks"] == "ffff"
    assert event["line"] == "No step will be forecast. This calibration is of another model."


def test_a_step_in_full_for_a_reason_is_marked_and_explained(model: ModelPatcher, told: list[dict],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "can_forecast", lambda memory, *_: False)
    sampled(model)
    event = last_of(told)
    assert set(event["marks"]) == {"f", "r"}
    assert event["reasons"][event["marks"].index("r")] == "new condition or size"


def test_the_log_tells_the_plan_before_the_first_step(model: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tap"):
        sampled(model, node="")
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "tap"]
    assert re.fullmatch(r"TAP: plan: 6 of 20 steps, 3.3x fewer calls, cache [\d.]+ [kM]B", lines[0])
    assert not any("cache" in line for line in lines[1:-1])


def test_without_a_browser_nothing_is_sent(model: ModelPatcher) -> None:
    before = set(threading.enumerate())
    assert live.browser_of_prompt() is None
    sampled(model)
    # Threads of earlier runs may end meanwhile.
    assert set(threading.enumerate()) <= before


def test_a_slow_browser_never_delays_the_run() -> None:
    gate, seen = threading.Event(), []
    events = LiveQueue(lambda event: (gate.wait(PATIENCE), seen.append(event)), pause=0)
    for number in range(1000):
        events.put({"number": number})
    assert not seen
    assert events.dropped >= 1000 - WAITING - 1
    events.end({"number": "last"})
    gate.set()
    assert wait_until(lambda: seen and seen[-1] == {"number": "last"})
    assert len(seen) <= WAITING + 2


def test_a_server_that_fails_does_not_stop_the_run(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(event: dict) -> None:
        raise RuntimeError("no socket")

    monkeypatch.setattr(live, "browser_of_prompt", lambda: fail)
    assert sampled(model).skipped_steps
