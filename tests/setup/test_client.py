"""How the client reads the server's messages, and how the demo compares two pictures."""

from __future__ import annotations

import argparse
import io
import json

import numpy as np
import pytest
from PIL import Image
from tap_pack.demo.launch.client import PromptFailed, PromptInterrupted, PromptRefused, PromptRun, take
from tap_pack.demo.launch.measure import Comparison, psnr
from tap_pack.demo.launch.prompts import REPORT, SAMPLER, fill_defaults, node
from tqdm import tqdm


def quiet_bar() -> tqdm:
    """A progress bar that counts and shows nothing."""
    return tqdm(disable=True)


def test_seconds_in_a_node_end_where_the_next_one_begins() -> None:
    run = PromptRun("id", began=[("a", 1.0), ("sampler", 1.5), ("decode", 4.0), (None, 4.5)])
    assert run.seconds_in("sampler") == 2.5
    assert run.seconds_in("decode") == 0.5
    assert run.seconds_in("not run") is None


def test_only_the_message_without_a_node_is_the_last_one() -> None:
    run = PromptRun("id")
    assert not take("executing", {"node": "a"}, 1.0, run, quiet_bar())
    assert not take("progress", {"value": 1, "max": 2}, 1.5, run, quiet_bar())
    assert take("executing", {"node": None}, 2.0, run, quiet_bar())
    assert run.began == [("a", 1.0), (None, 2.0)]


def test_an_error_of_a_node_names_it() -> None:
    data = {"node_type": "KSampler", "exception_type": "ValueError", "exception_message": "too bad\n"}
    with pytest.raises(PromptFailed, match=r"KSampler stopped with ValueError: too bad$"):
        take("execution_error", data, 0.0, PromptRun("id"), quiet_bar())
    with pytest.raises(PromptInterrupted):
        take("execution_interrupted", {}, 0.0, PromptRun("id"), quiet_bar())


def test_a_refusal_keeps_the_sentences_by_node() -> None:
    wrong = {"class_type": "KSampler", "errors": [{"message": "Value too small", "details": "steps"}]}
    refused = PromptRefused({"error": {"message": "invalid", "details": ""}, "node_errors": {"7": wrong}})
    assert refused.node_errors == {"7": ["Value too small: steps"]}
    assert str(refused) == "KSampler: Value too small: steps"
    assert str(PromptRefused({"error": {"message": "no such node", "details": "#3"}})) == "no such node: #3"


def test_widgets_that_a_prompt_leaves_out_get_their_defaults() -> None:
    required = {
        "model": ["MODEL", {}],
        "steps": ["INT", {"default": 20}],
        "sampler": [["euler", "heun"], {}],
        "loss": ["COMBO", {"options": ["cosine", "l2"], "default": "l2"}],
        "zero": ["INT", {"default": 0}],
        "file": [[], {}],
    }
    known = {"Some": {"input": {"required": required, "optional": {"picture": ["IMAGE", {}]}}}}
    filled = fill_defaults({"a": node("Some", model=["b", 0], steps=3)}, known)
    assert filled["a"]["inputs"] == {"model": ["b", 0], "steps": 3, "sampler": "euler", "loss": "l2", "zero": 0}


def test_psnr_of_a_known_difference() -> None:
    picture = np.full((4, 4, 3), 0.5)
    assert psnr(picture, picture + 0.1) == pytest.approx(20)
    assert psnr(picture, picture) is None


def png(value: int) -> bytes:
    """A small grey picture."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(file, "PNG")
    return file.getvalue()


def timed_run(name: str, seconds: float, full_steps: list[int]) -> PromptRun:
    """A run with this time in the sampler."""
    report = {"text": [f"report of {name}"], "tap_report": [json.dumps({"full_steps": full_steps})]}
    return PromptRun(name, {REPORT: report}, [(SAMPLER, 10.0), ("decode", 10.0 + seconds), (None, 20.0)])


def test_the_fastest_runs_are_compared() -> None:
    options = argparse.Namespace(steps=50, quality="close", interval=None, seed=7, runs=2)
    stock = [timed_run("s1", 4.0, []), timed_run("s2", 3.0, [])]
    tap = [timed_run("t1", 1.0, [0, 1]), timed_run("t2", 2.0, [0, 1, 2])]
    found = Comparison(options, {"stock": stock, "TAP": tap}, png(100), png(110))
    assert found.as_json()["best_sampler_seconds"] == {"stock": 3.0, "TAP": 1.0}
    assert found.as_json()["speed_up"] == 3.0
    assert found.report_text() == "report of t1"
    assert "2 of 50 steps" in found.summary() and "28.1 dB" in found.summary()


def test_equal_pictures_are_said_to_be_equal() -> None:
    options = argparse.Namespace(steps=50, quality="close", interval=1, seed=7, runs=1)
    runs = {"stock": [timed_run("s", 1.0, [])], "TAP": [timed_run("t", 1.0, list(range(50)))]}
    found = Comparison(options, runs, png(100), png(100))
    assert "no difference between" in found.summary()
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["psnr_db"] is None
