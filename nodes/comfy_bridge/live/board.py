"""What the server keeps for browsers: which of them want events of runs, and the last event of each node."""

from __future__ import annotations

import time

from .makings import makings_of
from .prompts import Prompt
from .queue import Event

# At most so many clients and so many nodes are kept; the oldest are dropped.
MOST = 500
FROM_CACHE = "Cached: "
RUN_BEFORE = "The run before: "


class LiveBoard:
    """Clients that want no events, and the last event of each node of a workflow."""

    def __init__(self) -> None:
        self._silent: dict[str, None] = {}
        self._last: dict[tuple[str, str], Event] = {}
        self._made: dict[str, Event] = {}

    def set_wanted(self, client: str, wanted: bool) -> None:
        """The setting of a browser."""
        self._silent.pop(client, None)
        if not wanted:
            _put(self._silent, client, None)

    def wanted_by(self, client: str) -> bool:
        """Whether a browser wants events of runs; yes if it has not said."""
        return client not in self._silent

    def keep(self, event: Event, made: str = "") -> None:
        """Keep an event for browsers that open its workflow later, or again.

        made: what the run's result is made from, for prompts that get it from ComfyUI's cache.
        """
        if event["workflow"]:
            _put(self._last, (event["workflow"], event["node"]), event)
        if made:
            _put(self._made, made, event)

    def cached(self, prompt: Prompt, nodes: set[str]) -> list[Event]:
        """Runs whose results a prompt gets from ComfyUI's cache, as its own workflow shows them.

        nodes: those whose results come from there.
        """
        runs = [self._made[made] for node, made in makings_of(prompt.nodes).items()
                if node in nodes and made in self._made and self._made[made]["ended"]]
        shown = []
        for run in sorted(runs, key=lambda event: event["at"]):
            its = {"workflow": prompt.workflow, "prompt": prompt.id, "at": time.time()}
            shown.append({**_said(run, FROM_CACHE), **its})
            self.keep(shown[-1])
        return shown

    def stopped(self, prompt: Prompt) -> list[Event]:
        """Runs that a workflow's nodes still show, though a prompt that failed never came to them."""
        shown = []
        for run in self.of(prompt.workflow):
            new = not str(run["line"]).startswith(RUN_BEFORE)
            if run["node"] in prompt.nodes and run.get("prompt") != prompt.id and new:
                shown.append({**_said(run, RUN_BEFORE), "at": time.time()})
                self.keep(shown[-1])
        return shown

    def of(self, workflow: str) -> list[Event]:
        """The last event of each node of a workflow."""
        return [event for (owner, _), event in list(self._last.items()) if owner == workflow]


def _said(run: Event, before: str) -> Event:
    """The event with these words, once, in front of what it says."""
    return {**run, "line": before + str(run["line"]).removeprefix(before)}


def _put(kept: dict, key: object, value: object) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > MOST:
        del kept[next(iter(kept))]


BOARD = LiveBoard()
