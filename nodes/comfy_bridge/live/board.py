"""What the server keeps for browsers: which of them want events of runs, and the last event of each node."""

from __future__ import annotations

from aiohttp import web

from .queue import Event

# At most so many clients and so many nodes are kept; the oldest are dropped.
MOST = 500


class LiveBoard:
    """Clients that want no events, and the last event of each node of a workflow."""

    def __init__(self) -> None:
        self._silent: dict[str, None] = {}
        self._last: dict[tuple[str, str], Event] = {}

    def set_wanted(self, client: str, wanted: bool) -> None:
        """The setting of a browser."""
        self._silent.pop(client, None)
        if not wanted:
            _put(self._silent, client, None)

    def wanted_by(self, client: str) -> bool:
        """Whether a browser wants events of runs; yes if it has not said."""
        return client not in self._silent

    def keep(self, event: Event) -> None:
        """Keep an event for browsers that open its workflow later, or again."""
        if event["workflow"]:
            _put(self._last, (event["workflow"], event["node"]), event)

    def of(self, workflow: str) -> list[Event]:
        """The last event of each node of a workflow."""
        return [event for (owner, _), event in list(self._last.items()) if owner == workflow]


def _put(kept: dict, key: object, value: object) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > MOST:
        del kept[next(iter(kept))]


BOARD = LiveBoard()


def add_routes(routes: web.RouteTableDef, board: LiveBoard = BOARD) -> None:
    """POST /tap/live sets what a browser wants; GET /tap/runs/{workflow} returns the last event of each node."""

    @routes.post("/tap/live")
    async def set_wanted(request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            client, wanted = asked["clientId"], asked["enabled"]
        except (ValueError, LookupError, TypeError):
            client = wanted = None
        if not isinstance(client, str) or not isinstance(wanted, bool):
            return web.Response(status=400, text="Expected JSON with a text clientId and a boolean enabled.")
        board.set_wanted(client, wanted)
        return web.Response(status=204)

    @routes.get("/tap/runs/{workflow}")
    async def last_runs(request: web.Request) -> web.Response:
        return web.json_response(board.of(request.match_info["workflow"]))
