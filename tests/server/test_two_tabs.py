"""The same graph from two browser tabs at once: each hears only of its own runs, and gets its own pictures."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import SAMPLER, fill_defaults, node

from served_pack import ServedPack
from tiny_prompts import accelerated, tiny_prompt
from waiting import PATIENCE

STEPS, ROUNDS = 60, 6
MODEL = "Qwen-Image"


def graph(seed: int) -> Prompt:
    """The graph that both tabs have; each press of Queue takes a new seed."""
    prompt = accelerated(tiny_prompt(MODEL, seed, steps=STEPS))
    return prompt | {"report": node("TapReport", record=["tap", 1], after=[SAMPLER, 0])}


class Tab:
    """One browser tab: a client id, its socket, and what it received. on_step: called when its sampler moves."""

    def __init__(self, session: aiohttp.ClientSession, known: dict) -> None:
        self.session, self.known, self.client = session, known, uuid.uuid4().hex
        self.told: list[tuple[str, dict]] = []
        self.ended: dict[str, asyncio.Event] = {}
        self.on_step: Callable[[str], Awaitable[None]] | None = None

    async def listen(self) -> None:
        """Receives the messages of the server until the tab is closed."""
        async with self.session.ws_connect(f"/ws?clientId={self.client}") as socket:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    await self.hear(**json.loads(message.data))

    async def hear(self, type: str, data: dict) -> None:
        """Handles one message."""
        self.told.append((type, data))
        if type == "progress" and self.on_step:
            step, self.on_step = self.on_step, None
            await step(data["prompt_id"])
        if type == "executing" and data["node"] is None:
            self.ended.setdefault(data["prompt_id"], asyncio.Event()).set()

    async def queue(self, prompt: Prompt) -> str:
        """Presses Queue; returns the id of the prompt."""
        body = {"prompt": fill_defaults(prompt, self.known), "client_id": self.client}
        async with self.session.post("/prompt", json=body) as answer:
            return (await answer.json())["prompt_id"]

    async def outputs(self, prompt_id: str) -> dict:
        """The outputs of a prompt, after its end."""
        await asyncio.wait_for(self.ended.setdefault(prompt_id, asyncio.Event()).wait(), PATIENCE)
        async with self.session.get(f"/history/{prompt_id}") as answer:
            return (await answer.json())[prompt_id]["outputs"]

    async def interrupt(self, prompt_id: str) -> None:
        """Presses the cross on this prompt."""
        await self.session.post("/interrupt", json={"prompt_id": prompt_id})

    async def all_told(self) -> None:
        """Waits for the last live event of every run, which another thread sends."""
        while not all(events[-1]["ended"] for events in self.runs()):
            await asyncio.sleep(0.05)

    def runs(self) -> list[list[dict]]:
        """The live events, one list for each run."""
        found: dict[int, list[dict]] = {}
        for kind, data in self.told:
            if kind == "tap.run":
                found.setdefault(data["run"], []).append(data)
        return list(found.values())


@asynccontextmanager
async def two_tabs(served: ServedPack) -> AsyncIterator[list[Tab]]:
    """Two tabs on one server; messages that arrive after they close are lost."""
    async with aiohttp.ClientSession(base_url=served.server.url) as session:
        tabs = [Tab(session, served.known) for _ in range(2)]
        ears = [asyncio.create_task(tab.listen()) for tab in tabs]
        while not all(tab.told for tab in tabs):
            await asyncio.sleep(0.05)
        try:
            yield tabs
        finally:
            for ear in ears:
                ear.cancel()


def wanted(served: ServedPack, seed: int) -> str:
    """The picture of a seed, from a run with nothing else."""
    return served.run(graph(seed)).outputs["digest"]["digest"][0]


def test_each_tab_gets_its_own_events_and_pictures(tiny_served: ServedPack) -> None:
    pictures = {seed: wanted(tiny_served, seed) for seed in (1, 2)}

    async def work() -> tuple[list[Tab], list[list[str]]]:
        stopped = [[], []]
        async with two_tabs(tiny_served) as tabs:
            for number in range(ROUNDS):
                breaks = number % 3 - 1 if number % 3 else None  # nobody, the first tab, the second
                if breaks is not None:
                    tabs[breaks].on_step = tabs[breaks].interrupt
                ids = await asyncio.gather(*(tab.queue(graph(seed)) for tab, seed in zip(tabs, (1, 2), strict=True)))
                made = await asyncio.gather(*(tab.outputs(id) for tab, id in zip(tabs, ids, strict=True)))
                for which, (outputs, seed) in enumerate(zip(made, (1, 2), strict=True)):
                    if which == breaks:
                        assert "digest" not in outputs
                        stopped[which].append(ids[which])
                    else:
                        assert outputs["digest"]["digest"] == [pictures[seed]]
                        assert json.loads(outputs["report"]["tap_report"][0])["steps"] == STEPS
            await asyncio.wait_for(asyncio.gather(*(tab.all_told() for tab in tabs)), PATIENCE)
            await asyncio.sleep(0.5)  # in which nothing more may come
        return tabs, stopped

    tabs, stopped = asyncio.run(work())
    for tab, mine in zip(tabs, stopped, strict=True):
        runs = tab.runs()
        assert len(runs) == ROUNDS and len(mine) == ROUNDS // 3
        check_runs(runs, stopped=len(mine))
        own = {data["prompt_id"] for kind, data in tab.told if kind == "execution_start"}
        assert len(own) == ROUNDS
        assert {data["prompt_id"] for kind, data in tab.told if "prompt_id" in data} == own
    assert not {e["run"] for r in tabs[0].runs() for e in r} & {e["run"] for r in tabs[1].runs() for e in r}


def check_runs(runs: list[list[dict]], stopped: int) -> None:
    """Each run has its events from plan to end, its steps fill up, and no event comes after the end."""
    for events in runs:
        assert [event["ended"] for event in events] == [False] * (len(events) - 1) + [True]
        done = [sum(mark != "." for mark in event["marks"]) for event in events]
        assert done == sorted(done) and {event["node"] for event in events} == {"tap"}
    assert sum(events[-1]["line"].startswith("Stopped") for events in runs) == stopped


def test_a_tab_that_closes_during_a_run_does_no_harm(tiny_served: ServedPack) -> None:
    pictures = {seed: wanted(tiny_served, seed) for seed in (1, 2)}

    async def work() -> tuple[dict, dict]:
        async with two_tabs(tiny_served) as (stays, other):
            async with two_tabs(tiny_served) as (leaves, _):
                began = asyncio.Event()
                leaves.on_step = lambda prompt_id: asyncio.sleep(0, began.set())
                left = await leaves.queue(graph(1))
                await asyncio.wait_for(began.wait(), PATIENCE)
            mine = await stays.outputs(await stays.queue(graph(2)))
            other.ended[left] = asyncio.Event()
            other.ended[left].set()
            return mine, await other.outputs(left)

    mine, left = asyncio.run(work())
    assert mine["digest"]["digest"] == [pictures[2]] and left["digest"]["digest"] == [pictures[1]]
    assert "Traceback" not in tiny_served.server.log_text().replace("InterruptProcessingException", "")
