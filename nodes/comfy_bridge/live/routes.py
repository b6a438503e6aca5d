"""The pack's part of ComfyUI's server: what browsers tell and ask."""

from __future__ import annotations

from aiohttp import web

from .board import BOARD, LiveBoard
from .planned import MOST_STEPS, planned
from .prompts import prompt_of


def add_routes(routes: web.RouteTableDef, board: LiveBoard = BOARD, server: object = None) -> None:
    """POST /tap/live sets what a browser wants. GET /tap/runs/{workflow} returns the last event of each node.

    POST /tap/cached returns the runs whose results a prompt gets from ComfyUI's cache, POST /tap/plan a plan. POST
    /tap/prompt returns the workflow of a prompt, and its nodes; POST /tap/stopped the runs that it never came to.
    """

    @routes.post("/tap/live")
    async def set_wanted(request: web.Request) -> web.Response:
        asked = await _asked(request, clientId=str, enabled=bool)
        if asked is None:
            return web.Response(status=400, text="Expected JSON with a text clientId and a boolean enabled.")
        board.set_wanted(asked["clientId"], asked["enabled"])
        return web.Response(status=204)

    @routes.get("/tap/runs/{workflow}")
    async def last_runs(request: web.Request) -> web.Response:
        return web.json_response(board.of(request.match_info["workflow"]))

    @routes.post("/tap/cached")
    async def cached(request: web.Request) -> web.Response:
        asked = await _asked(request, prompt=str, nodes=list)
        if asked is None:
            return web.Response(status=400, text="Expected JSON with a text prompt and a list nodes.")
        return web.json_response(board.cached(prompt_of(server, asked["prompt"]), set(map(str, asked["nodes"]))))

    @routes.post("/tap/prompt")
    async def prompt(request: web.Request) -> web.Response:
        asked = await _asked(request, prompt=str)
        if asked is None:
            return web.Response(status=400, text="Expected JSON with a text prompt.")
        found = prompt_of(server, asked["prompt"])
        return web.json_response({"workflow": found.workflow, "nodes": list(found.nodes)})

    @routes.post("/tap/stopped")
    async def stopped(request: web.Request) -> web.Response:
        asked = await _asked(request, prompt=str)
        if asked is None:
            return web.Response(status=400, text="Expected JSON with a text prompt.")
        return web.json_response(board.stopped(prompt_of(server, asked["prompt"])))

    @routes.post("/tap/plan")
    async def plan(request: web.Request) -> web.Response:
        asked = await _asked(request, values=dict, steps=int)
        if asked is None or not 0 < asked["steps"] <= MOST_STEPS:
            return web.Response(status=400, text=f"Expected JSON with values and steps from 1 to {MOST_STEPS}.")
        found = planned(asked["values"], asked["steps"])
        return web.json_response({"line": found.words, "plan": found.marks})


async def _asked(request: web.Request, **kinds: type) -> dict | None:
    """The JSON of a request if it has these entries, of these types."""
    try:
        asked = await request.json()
        return asked if all(type(asked[name]) is kind for name, kind in kinds.items()) else None
    except (ValueError, LookupError, TypeError):
        return None
