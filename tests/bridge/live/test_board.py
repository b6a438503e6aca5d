"""What the server keeps for browsers: which want events of runs, and the last event of each node."""

from __future__ import annotations

import asyncio
import time
from types import ModuleType, SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.live.board import MOST, LiveBoard
from tap_pack.nodes.comfy_bridge.live.routes import add_routes
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.sampling.settings import TapSettings

from tiny_flux import sample, tiny_flux
from waiting import wait_until

CLIENT, WORKFLOW = "a browser", "a workflow"


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> LiveBoard:
    """An empty board."""
    fresh = LiveBoard()
    monkeypatch.setattr(live, "BOARD", fresh)
    return fresh


@pytest.fixture
def sent(board: LiveBoard, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Everything that a server sends while it runs a browser's prompt."""
    events: list[tuple] = []
    extra = {"extra_pnginfo": {"workflow": {"id": WORKFLOW, "nodes": []}}}
    running = {4: (0, "another prompt", {}, {}, []), 5: (0, "a prompt", {}, extra, [])}
    instance = SimpleNamespace(
        client_id=CLIENT, last_prompt_id="a prompt", prompt_queue=SimpleNamespace(currently_running=running),
        send_sync=lambda *event: events.append(event),
    )
    module = ModuleType("server")
    module.PromptServer = SimpleNamespace(instance=instance)
    monkeypatch.setitem(live.sys.modules, "server", module)
    return events


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux()


def run(model: ModelPatcher, interval: int = 5) -> None:
    """One run of node 12:7."""
    clone = model.clone()
    TapPatch(TapSettings(interval=interval), RecordHolder(), "12:7").install(clone)
    sample(clone, 8)


def wait_for_end(board: LiveBoard) -> dict:
    """The last event, which another thread sends."""
    assert wait_until(lambda: board.of(WORKFLOW) and board.of(WORKFLOW)[0]["ended"])
    return board.of(WORKFLOW)[0]


def test_the_browser_of_the_prompt_is_told_and_the_last_event_kept(
    model: ModelPatcher, board: LiveBoard, sent: list[tuple]
) -> None:
    run(model)
    last = wait_for_end(board)
    # It is kept first, then sent.
    assert wait_until(lambda: sent[-1] == (live.EVENT, last, CLIENT))
    assert last["workflow"] == WORKFLOW and last["node"] == "12:7" and "faster" in last["line"]
    assert [event["at"] for _, event, _ in sent] == sorted(event["at"] for _, event, _ in sent)
    assert board.of("another workflow") == []


def test_a_browser_that_wants_nothing_is_sent_nothing(
    model: ModelPatcher, board: LiveBoard, sent: list[tuple]
) -> None:
    board.set_wanted(CLIENT, wanted=False)
    run(model)
    run(model, interval=1)
    time.sleep(0.3)
    assert sent == [] and board.of(WORKFLOW) == []
    board.set_wanted(CLIENT, wanted=True)
    run(model)
    assert wait_for_end(board) and sent


def test_sending_ends_if_it_is_turned_off_in_a_run(model: ModelPatcher, board: LiveBoard, sent: list[tuple]) -> None:
    send = live.browser_of_prompt()
    send({"node": "7", "ended": False})
    board.set_wanted(CLIENT, wanted=False)
    send({"node": "7", "ended": True})
    assert len(sent) == 1
    assert board.of(WORKFLOW)[0]["ended"]


def test_a_reason_why_nothing_is_skipped_is_kept_too(board: LiveBoard, sent: list[tuple]) -> None:
    live.tell_nothing_is_skipped("7", "This calibration is of another model.", 4)
    assert board.of(WORKFLOW)[0]["line"].endswith("This calibration is of another model.")


def test_an_event_without_a_workflow_is_sent_and_not_kept(board: LiveBoard, sent: list[tuple]) -> None:
    live.running_server().last_prompt_id = "another prompt"
    live.browser_of_prompt()({"node": "7"})
    assert sent[0][1]["workflow"] == "" and board.of("") == []


def test_the_oldest_are_dropped() -> None:
    board = LiveBoard()
    for number in range(MOST + 3):
        board.keep({"workflow": f"w{number}", "node": "1"})
        board.set_wanted(f"c{number}", wanted=False)
    assert board.of("w2") == [] and board.of("w3")
    assert board.wanted_by("c2") and not board.wanted_by("c3")


def test_the_routes() -> None:
    board = LiveBoard()
    board.keep({"workflow": WORKFLOW, "node": "7", "line": "a plan"})

    async def talk() -> None:
        routes = web.RouteTableDef()
        add_routes(routes, board)
        app = web.Application()
        app.add_routes(routes)
        async with TestClient(TestServer(app)) as client:
            assert (await client.post("/tap/live", json={"clientId": CLIENT, "enabled": False})).status == 204
            assert not board.wanted_by(CLIENT)
            assert (await client.post("/tap/live", json={"clientId": CLIENT, "enabled": True})).status == 204
            assert board.wanted_by(CLIENT)
            for bad in ({"json": []}, {"json": {"clientId": 3, "enabled": True}}, {"data": b"{"},
                        {"json": {"clientId": CLIENT, "enabled": "no"}}):
                answer = await client.post("/tap/live", **bad)
                assert answer.status == 400 and "Expected" in await answer.text()
            found = await (await client.get("/tap/runs/a%20workflow")).json()
            assert found == board.of(WORKFLOW)
            assert await (await client.get("/tap/runs/none")).json() == []

    asyncio.run(talk())
