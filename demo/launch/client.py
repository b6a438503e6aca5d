"""Queues a prompt on a ComfyUI server over HTTP and follows it on the websocket until it is done."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from tqdm import tqdm

from .problem import Problem

Prompt = dict[str, dict]
Watcher = Callable[[str, dict], None]


class PromptRefused(Problem):
    """The server did not accept a prompt; `node_errors` maps node ids to sentences."""

    def __init__(self, answer: dict) -> None:
        errors = answer.get("node_errors") or {}
        self.node_errors = {node: [sentence(error) for error in found["errors"]] for node, found in errors.items()}
        lines = [f"{errors[node]['class_type']}: {'; '.join(said)}" for node, said in self.node_errors.items()]
        super().__init__(" | ".join(lines) or sentence(answer["error"]))


class PromptFailed(Problem):
    """A node raised an error while the prompt ran."""

    def __init__(self, data: dict) -> None:
        self.node_type = data["node_type"]
        super().__init__(f"{self.node_type} stopped with {data['exception_type']}: {data['exception_message'].strip()}")


class PromptInterrupted(Problem):
    """Somebody interrupted the prompt."""


@dataclass
class PromptRun:
    """The results of a prompt: outputs by node id, and when each node began."""

    prompt_id: str
    outputs: dict[str, dict] = field(default_factory=dict)
    began: list[tuple[str | None, float]] = field(default_factory=list)

    def seconds_in(self, node: str) -> float | None:
        """Seconds from the start of this node to the start of the next; None when it came from the cache."""
        for (name, start), (_, end) in zip(self.began, self.began[1:], strict=False):
            if name == node:
                return end - start
        return None


def sentence(error: dict) -> str:
    """Message and details of one error of the server."""
    return ": ".join(filter(None, (error["message"], error.get("details"))))


def run_prompt(url: str, prompt: Prompt, title: str = "", watch: Watcher | None = None) -> PromptRun:
    """Runs an API-format prompt to its end; a title shows a progress bar on a terminal, `watch` sees every message."""
    with tqdm(desc=title, unit="step", leave=False, disable=None if title else True) as bar:
        return asyncio.run(queue_and_follow(url, prompt, bar, watch))


async def queue_and_follow(url: str, prompt: Prompt, bar: tqdm, watch: Watcher | None) -> PromptRun:
    """Listens first, then queues, to miss no message."""
    client = uuid.uuid4().hex
    async with aiohttp.ClientSession(base_url=url) as session, session.ws_connect(f"/ws?clientId={client}") as socket:
        async with session.post("/prompt", json={"prompt": prompt, "client_id": client}) as answer:
            answered = await answer.json()
        # If only some outputs are good, ComfyUI accepts the prompt without the others.
        if answer.status != 200 or answered["node_errors"]:
            raise PromptRefused(answered)
        run = PromptRun(answered["prompt_id"])
        await follow(socket, run, bar, watch)
        async with session.get(f"/history/{run.prompt_id}") as answer:
            run.outputs = (await answer.json())[run.prompt_id]["outputs"]
    return run


async def follow(socket: aiohttp.ClientWebSocketResponse, run: PromptRun, bar: tqdm, watch: Watcher | None) -> None:
    """Returns at the end of the prompt. Raises Problem if the prompt fails."""
    async for message in socket:
        now = time.perf_counter()
        if message.type != aiohttp.WSMsgType.TEXT:
            continue
        kind, data = (content := json.loads(message.data))["type"], content["data"]
        if watch:
            watch(kind, data)
        if data.get("prompt_id") == run.prompt_id and take(kind, data, now, run, bar):
            return
    raise Problem("ComfyUI went away in the middle of a prompt; its log says why.")


def take(kind: str, data: dict, now: float, run: PromptRun, bar: tqdm) -> bool:
    """Reads one message about this prompt; True if it was the last one."""
    if kind == "execution_error":
        raise PromptFailed(data)
    if kind == "execution_interrupted":
        raise PromptInterrupted("The prompt was interrupted.")
    if kind == "progress":
        bar.total = data["max"]
        bar.update(data["value"] - bar.n)
    if kind == "executing":
        run.began.append((data["node"], now))
        return data["node"] is None
    return False
