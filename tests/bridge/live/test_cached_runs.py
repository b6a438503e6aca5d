"""Which run a node shows: that of ComfyUI's cache, or the one before; and a plan before a prompt is queued."""

from __future__ import annotations

import asyncio
import copy

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tap_pack.nodes.comfy_bridge.live.board import FROM_CACHE, RUN_BEFORE, LiveBoard
from tap_pack.nodes.comfy_bridge.live.makings import makings_of
from tap_pack.nodes.comfy_bridge.live.planned import planned
from tap_pack.nodes.comfy_bridge.live.prompts import Prompt
from tap_pack.nodes.comfy_bridge.live.routes import add_routes

NODES = {
    "1": {"class_type": "Loader", "inputs": {"name": "a model"}},
    "7": {"class_type": "TapAccelerate", "inputs": {"model": ["1", 0], "interval": 5}},
    "9": {"class_type": "KSampler", "inputs": {"model": ["7", 0], "seed": 3, "sizes": [8, 8.5]}},
}


def changed(node: str, **inputs: object) -> dict:
    """The prompt with other inputs at a node."""
    nodes = copy.deepcopy(NODES)
    nodes[node]["inputs"].update(inputs)
    return nodes


def event(node: str = "7", **more: object) -> dict:
    """The end of a run."""
    return {"node": node, "workflow": "first", "marks": "ffss", "line": "5.1 s", "ended": True, "at": 1.0, **more}


@pytest.mark.parametrize("nodes", [changed("1", name="another"), changed("7", interval=6), changed("9", seed=4)])
def test_whatever_a_result_was_made_from_changes_its_name(nodes: dict) -> None:
    assert makings_of(nodes)["9"] != makings_of(NODES)["9"]


def test_ids_and_the_order_of_inputs_do_not_matter_but_for_nodes_with_results_of_their_own() -> None:
    other = {"4": NODES["1"], "7": {**NODES["7"], "inputs": {"interval": 5, "model": ["4", 0]}}, "2": NODES["9"]}
    assert makings_of(other)["2"] == makings_of(NODES)["9"]
    moved = {"1": NODES["1"], "8": NODES["7"], "9": changed("9", model=["8", 0])["9"]}
    assert makings_of(moved)["9"] != makings_of(NODES)["9"]


def test_a_long_chain_and_a_circle_have_names_too() -> None:
    chain = {str(i): {"class_type": "Reroute", "inputs": {"x": [str(i - 1), 0]} if i else {}} for i in range(5000)}
    assert len(set(makings_of(chain).values())) == 5000
    assert len(makings_of({"1": {"inputs": {"x": ["2", 0]}}, "2": {"inputs": {"x": ["1", 0]}}})) == 2


def test_another_workflow_with_the_cached_result_gets_the_run_that_made_it() -> None:
    board, made = LiveBoard(), makings_of(NODES)["9"]
    board.keep(event(), made)
    board.keep(event(marks="ssss", at=2.0), makings_of(changed("9", seed=4))["9"])
    found = board.cached(Prompt(NODES, "second"), {"1", "7", "9"})
    assert [(run["workflow"], run["marks"], run["line"]) for run in found] == [("second", "ffss", f"{FROM_CACHE}5.1 s")]
    assert board.of("second") == found and board.of("first")[0]["line"] == "5.1 s"
    assert board.cached(Prompt(NODES, "second"), {"1", "7"}) == []
    assert board.cached(Prompt(changed("9", seed=5), "second"), {"9"}) == []


def test_a_prompt_that_failed_before_it_came_to_a_node_leaves_it_the_run_before() -> None:
    board, failed = LiveBoard(), Prompt({"7": {}, "8": {}}, "first", "failed")
    board.keep(event(prompt="earlier"))
    board.keep(event("8", prompt="failed", line="Stopped: 1 of 4 steps computed"))
    board.keep(event("3", prompt="earlier"))
    found = board.stopped(failed)
    assert [(run["node"], run["line"]) for run in found] == [("7", f"{RUN_BEFORE}5.1 s")]
    assert [run["line"] for run in board.of("first")] == ["Stopped: 1 of 4 steps computed", "5.1 s", found[0]["line"]]
    assert board.stopped(failed) == [] and board.stopped(Prompt({})) == []


def test_the_plan_of_the_values_on_a_node() -> None:
    plan = planned({"quality": "fixed", "interval": 5, "run": None}, 50)
    assert plan.words == "12 of 50 steps, 4.2x fewer calls" and plan.marks.count("f") == 12
    assert "as many are computed as quality close takes" in planned({"quality": "close"}, 50).words
    assert planned({"quality": "close", "interval": 1}, 4).marks == "ffff"
    assert "horizon" in planned({"horizon_from": 3, "horizon_to": -3}, 20).words
    assert planned({"interval": "many"}, 20).marks == ""


def test_the_routes_of_plans_and_of_cached_runs() -> None:
    board = LiveBoard()
    board.keep(event(), makings_of(NODES)["9"])
    extra = {"extra_pnginfo": {"workflow": {"id": "second"}}}

    class Queue:
        currently_running = {1: (0, "a prompt", NODES, extra, [])}
        history = {"an old one": {"prompt": (0, "an old one", NODES, extra, [])}}

    class Server:
        prompt_queue = Queue

    async def talk() -> None:
        routes = web.RouteTableDef()
        add_routes(routes, board, Server)
        app = web.Application()
        app.add_routes(routes)
        async with TestClient(TestServer(app)) as client:
            for prompt in ("a prompt", "an old one"):
                found = await (await client.post("/tap/cached", json={"prompt": prompt, "nodes": ["9"]})).json()
                assert [run["workflow"] for run in found] == ["second"]
            unknown = await client.post("/tap/cached", json={"prompt": "unknown", "nodes": ["9"]})
            assert await unknown.json() == []
            asked = {"json": {"prompt": "a prompt"}}
            assert await (await client.post("/tap/prompt", **asked)).json() == {"workflow": "second", "nodes": [*NODES]}
            board.keep(event(workflow="second", prompt="an old one"))
            assert [run["node"] for run in await (await client.post("/tap/stopped", **asked)).json()] == ["7"]
            plan = await client.post("/tap/plan", json={"values": {"quality": "fixed", "interval": 5}, "steps": 20})
            assert (await plan.json())["line"] == "6 of 20 steps, 3.3x fewer calls"
            for path, bad in (("/tap/plan", {"values": {}, "steps": 0}), ("/tap/plan", {"values": [], "steps": 5}),
                              ("/tap/cached", {"prompt": 3, "nodes": []}), ("/tap/prompt", {}), ("/tap/stopped", {})):
                assert (await client.post(path, json=bad)).status == 400

    asyncio.run(talk())
