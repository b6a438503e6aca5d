"""A workflow while it is written: nodes in columns, links by the outputs of nodes, and the file that ComfyUI opens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from .boxes import as_subgraph
from .files import ModelFile
from .sockets import Placed, Socket
from .widgets import SEED_CONTROL, inputs_of, settings_of, widgets_of

# Pixels of the graph. Nodes 2.0 draws taller rows than the classic renderer; both have to fit.
WIDTH, GAP, TITLE = 310, 40, 34
SLOT, WIDGET, MARGIN = 20, 28, 16
# The button below inputs that do not show.
MORE = 40
# What some nodes show takes more room than their rows.
SHOWN = {"TapAccelerate": 146, "CLIPTextEncode": 120, "TextEncodeQwenImageEditPlus": 130, "SaveImage": 380,
         "SaveVideo": 320, "LoadImage": 260, "TapCompare": 520, "TapChoiceMap": 300, "TapChoiceMapViewer": 600,
         "SaveAnimatedWEBP": 260, "TapPlacement": 134, "TapCalibrate": 150, "TapDemoScene": 30}


class Graph:
    """A workflow. known: the server's answer to /object_info, which has inputs, outputs and defaults of each node."""

    def __init__(self, name: str, known: dict[str, dict]) -> None:
        self.name = name
        self.known = known
        self.nodes: list[dict] = []
        self.links: list[list] = []
        self.boxes: list[dict] = []
        self._x, self._y, self._width = 0, 0, WIDTH
        self._usual = WIDTH

    def columns(self, width: int) -> None:
        """The width of the first column and of all that are not told another; in pixels of the graph."""
        self._usual = self._width = width

    def column(self, width: int = 0) -> None:
        """What is added from here on stands in a new column, right of the others."""
        self._x, self._y, self._width = self._x + self._width + GAP, 0, width or self._usual

    def grow(self, more: int) -> None:
        """Makes the last node this much taller, for what it shows."""
        self.nodes[-1]["size"][1] += more
        self._y += more

    def note(self, text: str, height: int) -> None:
        """A text for the person, in Markdown."""
        self._place("MarkdownNote", "Read me", [], [], {}, [text], height)

    def add(self, kind: str, title: str = "", files: Sequence[ModelFile] = (), **given: object) -> Placed:
        """A node below the last one. given: a Socket for each link, a value for each widget other than its default."""
        known = self.known[kind]
        inputs, values = self._inputs(known, given)
        outputs = [{"name": name, "type": type_, "links": []}
                   for name, type_ in zip(known["output_name"], known["output"], strict=True)]
        core = not known["python_module"].startswith("custom_nodes")
        properties = {"cnr_id": "comfy-core" if core else "tap-accelerate", "Node name for S&R": kind}
        if files:
            properties["models"] = [file.as_property() for file in files]
        slots = max(sum("widget" not in found for found in inputs), len(outputs))
        height = MARGIN + SLOT * slots + _height_of_widgets(known, core) + SHOWN.get(kind, 0)
        return self._place(kind, title, inputs, outputs, properties, values, height)

    def box(self, title: str, inside: Graph, given: dict[str, Socket]) -> Placed:
        """One node that holds the nodes of another graph; given: its outputs by name, and where they come from."""
        box = as_subgraph(inside.id, title, inside.nodes, inside.links, given)
        self.boxes.append(box)
        outputs = [{"name": name, "type": socket.kind, "links": []} for name, socket in given.items()]
        return self._place(box["id"], title, [], outputs, {}, [], MARGIN + SLOT * len(outputs) + MORE)

    def _inputs(self, known: dict, given: dict[str, object]) -> tuple[list[dict], list]:
        rows, values = [], []
        for name, spec in inputs_of(known):
            kind = "COMBO" if isinstance(spec[0], list) else spec[0]
            row = {"name": name, "type": kind, "link": None}
            value = given.pop(name, None)
            if widgets_of(name, spec):
                row["widget"] = {"name": name}
                values += self._saved(name, spec, None if isinstance(value, Socket) else value)
            if isinstance(value, Socket):
                row["link"] = self._link(value, len(rows))
            rows.append(row)
        if given:
            raise KeyError(f"{self.name}: a node has no input {', '.join(given)}")
        return rows, values

    @staticmethod
    def _saved(name: str, spec: list, value: object) -> list:
        settings = settings_of(spec)
        if value is None:
            options = spec[0] if isinstance(spec[0], list) else settings.get("options")
            value = settings.get("default", options[0] if options else "")
        return [value, "fixed"] if SEED_CONTROL in widgets_of(name, spec) else [value]

    def _link(self, source: Socket, place: int) -> int:
        number = len(self.links) + 1
        self.links.append([number, source.node, source.output, len(self.nodes) + 1, place, source.kind])
        self.nodes[source.node - 1]["outputs"][source.output]["links"].append(number)
        return number

    def _place(
        self, kind: str, title: str, inputs: list[dict], outputs: list[dict], properties: dict, values: list,
        height: int,
    ) -> Placed:
        number = len(self.nodes) + 1
        self.nodes.append({
            "id": number, "type": kind, "pos": [self._x, self._y], "size": [self._width, height], "flags": {},
            "order": number - 1, "mode": 0, "inputs": inputs, "outputs": outputs, "properties": properties,
            "widgets_values": values, **({"title": title} if title else {}),
        })
        self._y += height + TITLE + GAP // 2
        return Placed(number, [output["type"] for output in outputs])

    @property
    def id(self) -> str:
        """It comes from the name, so that it is the same each time."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tap-accelerate/{self.name}"))

    def as_file(self) -> dict:
        """What the file holds."""
        return {
            "id": self.id, "revision": 0, "last_node_id": len(self.nodes), "last_link_id": len(self.links),
            "nodes": self.nodes, "links": self.links, "groups": [], "definitions": {"subgraphs": self.boxes},
            "config": {}, "extra": {}, "version": 0.4,
        }


def _height_of_widgets(known: dict, core: bool) -> int:
    """Both renderers fold the advanced inputs of this pack's nodes; the classic one shows those of ComfyUI's."""
    advanced = [settings_of(spec).get("advanced", False) and not core
                for name, spec in inputs_of(known) for _ in widgets_of(name, spec)]
    return WIDGET * advanced.count(False) + MORE * any(advanced)
