"""A page of the real frontend: what a person does with nodes, and what a person sees."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import fill_defaults
from tap_pack.demo.launch.server import Server

from waiting import PATIENCE

READY = "() => window.app?.canvas?.graph && window.app.extensionManager"
# Errors of the frontend itself, with any packs: files that a new user does not have, models of its first workflow, its
# own listeners that look at the graph too early.
NOT_OURS = ("Failed to load resource", "Connecting to 'https://", "Fetch API cannot load https://",
            "ComfyApp graph accessed before initialization")
WINDOW = {"width": 1280, "height": 960}


@dataclass
class ComfyPage:
    """One page in one renderer. complaints: errors in the console, and requests of ours that failed."""

    page: Page
    server: Server
    vue: bool
    complaints: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Loads the frontend and chooses the renderer."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._watch)
        self.page.goto(self.server.url)
        self.page.wait_for_function(READY)
        self.use_renderer(self.vue)

    def use_renderer(self, vue: bool) -> None:
        """Chooses Nodes 2.0 or the classic renderer."""
        self.vue = vue
        self.set("Comfy.VueNodes.Enabled", vue)

    def set(self, setting: str, value: object) -> None:
        """Changes a setting as its dialog does."""
        self.page.evaluate("([id, value]) => app.extensionManager.setting.set(id, value)", [setting, value])

    def load(self, prompt: Prompt) -> None:
        """Opens a prompt as a workflow."""
        whole = fill_defaults(prompt, self.server.get("/object_info"))
        self.page.evaluate("prompt => app.loadApiJson(prompt, 'test')", whole)
        self.settle()

    def reload(self) -> None:
        """Reloads the page, as F5 does."""
        # The frontend saves the open workflow a moment after its last change.
        self.page.wait_for_timeout(1200)
        self.page.reload()
        self.page.wait_for_function(READY)
        self.page.wait_for_function("() => app.canvas.graph.nodes.length > 0")
        self.settle()

    def settle(self) -> None:
        """Waits for two frames, until every change is drawn."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def show(self, node: int) -> None:
        """Scrolls and zooms the graph until a node fills most of the view."""
        self.page.evaluate(
            """id => {
                const { canvas, graph } = app, node = canvas.graph.getNodeById(id);
                const { clientWidth: width, clientHeight: height } = canvas.canvas;
                const scale = Math.min((width - 200) / node.size[0], (height - 260) / (node.size[1] + 40), 1);
                canvas.ds.scale = scale;
                canvas.ds.offset = [100 / scale - node.pos[0], 140 / scale - node.pos[1]];
                canvas.setDirty(true, true);
            }""",
            node,
        )
        self.page.wait_for_timeout(250)

    def run(self) -> None:
        """Queues the workflow and waits for its end."""
        before = self.finished()
        self.page.evaluate("() => app.queuePrompt(0, 1)")
        self.until(lambda: self.finished() > before, "the prompt to end")
        failed = [entry["status"] for entry in self.history()[before:]
                  if entry["status"]["status_str"] != "success"]
        assert not failed, failed

    def history(self) -> list[dict]:
        """Prompts that have ended, the oldest first."""
        return list(self.server.get("/history").values())

    def finished(self) -> int:
        """How many prompts have ended."""
        return len(self.history())

    def outputs(self, node: int) -> dict:
        """What a node showed in the last prompt."""
        return self.history()[-1]["outputs"][str(node)]

    def report(self, node: int) -> dict:
        """The figures of a report node in the last prompt."""
        return json.loads(self.outputs(node)["tap_report"][0])

    def widgets(self, node: int) -> dict[str, Any]:
        """Values that a node's widgets hold."""
        return self.page.evaluate(
            "id => Object.fromEntries(app.canvas.graph.getNodeById(id).widgets.map(w => [w.name, w.value]))", node
        )

    def prompt_inputs(self, node: int) -> dict[str, Any]:
        """What the page would send to the server for a node."""
        return self.page.evaluate("async id => (await app.graphToPrompt()).output[id].inputs", str(node))

    def element(self, node: int, selector: str) -> Locator:
        """A part of our element on a node; in a subgraph another node can draw it."""
        self.page.evaluate(
            """id => {
                for (const { element } of app.canvas.graph.getNodeById(id).widgets)
                    if (element?.matches?.('.tap-viewer, .tap-run, .tap-text, .tap-compare'))
                        element.id = `tap-on-${id}`;
            }""",
            node,
        )
        return self.page.locator(f"#tap-on-{node}{selector}")

    def still(self, part: Locator) -> dict[str, float]:
        """The place of a part in the window, after it has stopped moving."""
        places: list[dict | None] = [None]

        def rests() -> bool:
            places.append(part.bounding_box())
            return places[-1] is not None and places[-1] == places[-2]

        self.until(rests, "the part to lie still")
        return places[-1]

    def place(self, node: int, x: float, y: float) -> tuple[float, float]:
        """The place in the window of a point of a node; x, y: the graph's units from the node's corner."""
        return tuple(self.page.evaluate(
            """([id, x, y]) => {
                const { canvas } = app, { pos } = canvas.graph.getNodeById(id), { scale, offset } = canvas.ds;
                const { left, top } = canvas.canvas.getBoundingClientRect();
                return [left + (pos[0] + x + offset[0]) * scale, top + (pos[1] + y + offset[1]) * scale];
            }""",
            [node, x, y],
        ))

    def holds_element(self, node: int) -> bool:
        """Whether our element on a node lies below its inputs and within it."""
        found = self.still(self.element(node, ""))
        shape = "id => { const { size, inputs } = app.canvas.graph.getNodeById(id); return [...size, inputs.length]; }"
        width, height, inputs = self.page.evaluate(shape, node)
        (left, top), (right, bottom) = self.place(node, 0, 20 * inputs), self.place(node, width, height)
        return (left <= found["x"] and top <= found["y"] and found["x"] + found["width"] <= right
                and found["y"] + found["height"] <= bottom + 1)

    def until(self, holds: Callable[[], object], what: str, limit: float = PATIENCE) -> Any:
        """Waits until something is true; returns its value."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if found := holds():
                return found
            self.page.wait_for_timeout(50)
        raise AssertionError(f"waited {limit:.0f} s for {what}")

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(NOT_OURS):
            self.complaints.append(message.text)

    def _watch(self, response: Any) -> None:
        ours = "/extensions/tap-accelerate/" in response.url or "/view?" in response.url
        if ours and response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")


@contextlib.contextmanager
def opened_page(browser: Browser, server: Server, vue: bool) -> Iterator[ComfyPage]:
    """A page for the time of a `with`, which must end without complaints."""
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(1000 * PATIENCE)
    expect.set_options(timeout=1000 * PATIENCE)
    page = ComfyPage(context.new_page(), server, vue)
    page.open()
    yield page
    context.close()
    assert page.complaints == []
