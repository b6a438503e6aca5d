"""Very many prompts in one server: random methods, sizes and settings, some interrupted."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import psutil
from tap_pack.demo.launch.client import PromptInterrupted
from tap_pack.demo.launch.prompts import SAMPLER, node, stock_prompt, tap_prompt, with_views
from tap_pack.nodes.accelerate import ORDER_SETS
from tap_pack.tap_core.methods import METHODS
from tap_pack.tap_core.settings import CACHE_DEVICES, CORRECTIONS, PLACEMENTS, TARGETS, TRUSTS

from served_pack import ServedPack

PROMPTS, WARM_UP = 200, 60
# The allocator's unrest; a run that stayed in memory would be a megabyte a prompt.
MEGABYTES_MORE = 60
SAMPLERS = ("euler", "dpmpp_2m", "heun", "euler_ancestral", "uni_pc", "lcm")


def random_prompt(lot: random.Random) -> dict:
    """Any setting of TAP Accelerate, any method now and then, with or without views."""
    settings = {
        "interval": lot.randint(1, 8), "orders": lot.choice(ORDER_SETS), "horizon_from": lot.randint(-6, 0),
        "warmup_steps": lot.randint(0, 4), "target": lot.choice(TARGETS), "correction": lot.choice(CORRECTIONS),
        "placement": lot.choice(PLACEMENTS), "trust": lot.choice(TRUSTS), "cache_device": lot.choice(CACHE_DEVICES),
        "probe_stride": lot.choice((1, 2, 4)),
    }  # fmt: skip
    prompt = tap_prompt(lot.randint(0, 10_000), lot.randint(2, 10), lot.choice((64, 80, 128)), **settings)
    prompt[SAMPLER]["inputs"] |= {"sampler_name": lot.choice(SAMPLERS), "cfg": lot.choice((1.0, 3.0))}
    if lot.random() < 0.3:
        prompt["method"] = node("TapMethod", method=lot.choice(list(METHODS)))
        prompt["tap"]["inputs"] |= {"predictors": ["method", 0], "schedule": ["method", 1]}
    return with_views(prompt) if lot.random() < 0.2 else prompt


def interrupting(served: ServedPack, lot: random.Random) -> object:
    """What interrupts a prompt in its sampler, now and then."""
    if lot.random() > 0.15:
        return None

    def watch(kind: str, data: dict) -> None:
        if kind == "progress" and data["node"] == SAMPLER:
            served.server.post("/interrupt")

    return watch


def test_two_hundred_prompts_leave_nothing_behind(served: ServedPack) -> None:
    lot, process = random.Random(5), psutil.Process(served.server.process.pid)
    still = stock_prompt(3, 4, 64)
    before, held = served.picture(served.run(still)), 0.0
    for count in range(PROMPTS):
        with suppress(PromptInterrupted):
            served.run(random_prompt(lot), interrupting(served, lot))
        if count == WARM_UP:
            held = process.memory_info().rss
    assert (process.memory_info().rss - held) / 1e6 < MEGABYTES_MORE
    served.run(stock_prompt(4, 4, 64))  # or the first picture would be answered from the cache
    assert np.array_equal(served.picture(served.run(still)), before)
    assert "Traceback" not in served.server.log_text().replace("InterruptProcessingException", "")
