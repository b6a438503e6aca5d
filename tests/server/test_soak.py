"""200 prompts in one server: random models, methods, sizes and settings, some interrupted, some without TAP."""

from __future__ import annotations

import random
from contextlib import suppress

import psutil
import pytest
from tap_pack.demo.launch.client import Prompt, PromptInterrupted
from tap_pack.demo.launch.prompts import SAMPLER, node
from tap_pack.nodes.inputs.forecasting import ORDER_SETS
from tap_pack.tap_core.engine.scoring import PROXY_LOSSES
from tap_pack.tap_core.engine.selector import SELECTIONS
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.sampling.settings import CACHE_DEVICES, CORRECTIONS, PLACEMENTS, TARGETS, TRUSTS
from tap_pack.tap_core.schedules.registry import SCHEDULES

from served_pack import ServedPack
from tiny_prompts import accelerated, tiny_prompt

PROMPTS, WARM_UP = 200, 80
# Megabytes: what the allocator does, and tables that ComfyUI's models keep. Histories that stay would add 1 MB.
MEGABYTES_MORE, TENSORS_MORE = 15, 0.1
# It chooses its own number of steps; with random weights, this can be very large.
ENDLESS = {"dpm_adaptive"}
# A list of steps has to fit the run.
LISTED = {"list of steps"}
NOTHING_LEFT = {"alive": [], "hooked": [], "wrapped": [], "threads": []}


class Lot:
    """Draws prompts."""

    def __init__(self, known: dict, seed: int) -> None:
        self.random, self.known = random.Random(seed), known

    def among(self, kind: str, name: str) -> object:
        """An option of a node's combo."""
        spec = self.known[kind]["input"]["required"][name]
        return self.random.choice(spec[0] if isinstance(spec[0], list) else spec[1]["options"])

    def prompt(self) -> Prompt:
        """Any model, size and sampler; mostly with TAP, at any setting."""
        lot = self.random
        samplers = sorted(set(self.known["KSampler"]["input"]["required"]["sampler_name"][0]) - ENDLESS)
        scheduler = self.among("KSampler", "scheduler")
        prompt = tiny_prompt(
            self.among("TinyModel", "name"), lot.randint(0, 10_000), scheduler=scheduler,
            # With one step, kl_optimal makes the sigma NaN, with TAP or without.
            steps=lot.randint(2 if scheduler == "kl_optimal" else 1, 12), sampler_name=lot.choice(samplers),
            cfg=lot.choice((1.0, 2.5)), denoise=lot.choice((1.0, 1.0, 0.6)))
        prompt["tiny"]["inputs"] |= {"size": lot.randint(0, 1), "batch": lot.randint(1, 2)}
        return prompt if lot.random() < 0.15 else self.with_tap(prompt)

    def with_tap(self, prompt: Prompt) -> Prompt:
        """Random settings of TAP Accelerate; sometimes a method, a pool or a schedule, and a view of the record."""
        lot = self.random
        prompt = accelerated(prompt, **self.settings())
        sockets, kind = prompt["tap"]["inputs"], lot.random()
        if kind < 0.25:
            prompt["method"] = node("TapMethod", method=lot.choice([name for name in METHODS if name != "MagCache"]),
                                    model=["tiny", 0])
            sockets |= {"predictors": ["method", 0], "schedule": ["method", 1]}
        elif kind < 0.4:
            prompt["pool"] = node("TapPredictorPool", selection=lot.choice(list(SELECTIONS)),
                                  **{lot.choice(list(FAMILIES)).replace("-", "_"): True})
            sockets["predictors"] = ["pool", 0]
        elif kind < 0.5:
            prompt["schedule"] = node("TapSchedule", **self.schedule(lot.choice(sorted({*SCHEDULES} - LISTED))))
            sockets["schedule"] = ["schedule", 0]
        if lot.random() < 0.2:
            view = {"record": ["tap", 1], "after": [SAMPLER, 0]}
            prompt |= {"report": node("TapReport", **view), "map": node("TapChoiceMap", **view),
                       "seen": node("PreviewImage", images=["map", 0])}
        return prompt

    def settings(self) -> dict[str, object]:
        """Random inputs of TAP Accelerate."""
        lot = self.random
        return {
            "quality": lot.choice(("fixed", "fixed", "close", "draft")), "interval": lot.randint(1, 8),
            "orders": lot.choice(ORDER_SETS), "horizon_from": lot.randint(-6, 0),
            "proxy_loss": lot.choice(PROXY_LOSSES), "warmup_steps": lot.randint(0, 4), "target": lot.choice(TARGETS),
            "correction": lot.choice(CORRECTIONS), "placement": lot.choice(PLACEMENTS), "trust": lot.choice(TRUSTS),
            "cache_device": lot.choice(CACHE_DEVICES), "probe_stride": lot.choice((1, 2, 4)),
        }  # fmt: skip

    def schedule(self, name: str) -> dict[str, object]:
        """A schedule with its usual knobs, as a prompt writes them."""
        (options,) = (option for option in self.known["TapSchedule"]["input"]["required"]["schedule"][1]["options"]
                      if option["key"] == name)
        knobs = {knob: spec[1]["default"] for knob, spec in options["inputs"]["required"].items()}
        return {"schedule": name, **{f"schedule.{knob}": value for knob, value in knobs.items()}}


def interrupting(served: ServedPack, lot: random.Random) -> object:
    """A watcher that sometimes interrupts a prompt in its sampler."""
    if lot.random() > 0.15:
        return None

    def watch(kind: str, data: dict) -> None:
        if kind == "progress" and data["node"] == SAMPLER:
            served.server.post("/interrupt")

    return watch


def digest(served: ServedPack, prompt: Prompt) -> str:
    """The result of a prompt."""
    return served.run(prompt).outputs["digest"]["digest"][0]


@pytest.mark.parametrize("seed", [5])
def test_two_hundred_prompts_leave_nothing_behind(tiny_served: ServedPack, seed: int) -> None:
    served = tiny_served
    lot, process = Lot(served.known, seed), psutil.Process(served.server.process.pid)
    names = served.known["TinyModel"]["input"]["required"]["name"][1]["options"]
    still = [tiny_prompt(name, 3) for name in names] + [accelerated(tiny_prompt(name, 4)) for name in names]
    before, interrupted, held = [digest(served, prompt) for prompt in still], 0, None
    for count in range(PROMPTS):
        try:
            served.run(lot.prompt(), interrupting(served, lot.random))
        except PromptInterrupted:
            interrupted += 1
        if count == WARM_UP:
            held = weighed(served, process)
    assert interrupted > PROMPTS // 40
    more = [now - then for now, then in zip(weighed(served, process), held, strict=True)]
    assert more[0] < MEGABYTES_MORE and more[1] < TENSORS_MORE, more
    assert [digest(served, prompt) for prompt in still] == before
    log = served.server.log_text()
    assert "Traceback" not in log.replace("InterruptProcessingException", "")


def weighed(served: ServedPack, process: psutil.Process) -> tuple[float, float]:
    """Megabytes of the server, and of its tensors, after a prompt that is always the same; nothing of TAP is left."""
    with suppress(PromptInterrupted):
        served.run(tiny_prompt("FLUX.1 dev", 1))
        served.run(tiny_prompt("FLUX.1 dev", 2))
    state = served.server.get("/tap_tests/state")
    assert {name: state[name] for name in NOTHING_LEFT} == NOTHING_LEFT
    return process.memory_info().rss / 1e6, state["tensor_bytes"] / 1e6


def test_the_look_at_memory_sees_a_run(tiny_served: ServedPack) -> None:
    seen: list[dict] = []

    def watch(kind: str, data: dict) -> None:
        if kind == "progress" and data["node"] == SAMPLER and not seen:
            seen.append(tiny_served.server.get("/tap_tests/state"))

    tiny_served.run(accelerated(tiny_prompt("FLUX.1 dev", 5, steps=80)), watch)
    assert {"TapRun", "History", "RunState", "LiveRun"} <= set(seen[0]["alive"])
