"""Reads a workflow as the browser saves it and turns it into the prompt that the browser would send."""

from __future__ import annotations

from collections.abc import Callable

from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.templates.boxes import EXIT
from tap_pack.demo.templates.widgets import SEED_CONTROL, inputs_of, settings_of, widget_inputs

# What the browser sends for a widget that saves nothing; a list is wrapped, because a plain list is a link.
UNSAVED = {"IMAGECOMPARE": {"__value__": ["", ""]}}


def values_of(node: dict, known: dict) -> dict:
    """A node's widgets and their values; an older workflow has fewer."""
    return dict(zip(widget_inputs(known), node["widgets_values"], strict=False))


def why_illegal(value: object, spec: list) -> str | None:
    """What is wrong with a widget's value; None if the server takes it."""
    kind, settings = spec[0], settings_of(spec)
    options = kind if isinstance(kind, list) else settings.get("options")
    if options is not None:
        names = [option["key"] if isinstance(option, dict) else option for option in options]
        return None if value in names else f"{value!r} is none of {names}"
    types = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}[settings.get("widgetType", kind)]
    if not isinstance(value, types) or (kind != "BOOLEAN" and isinstance(value, bool)):
        return f"{value!r} is no {kind}"
    if kind in ("INT", "FLOAT") and not settings.get("min", value) <= value <= settings.get("max", value):
        return f"{value} is not from {settings['min']} to {settings['max']}"
    return None


def flattened(graph: dict) -> dict:
    """The workflow with the nodes of each subgraph in place of it, under ids such as "2:1".

    The subgraphs here take nothing, so only what comes out of them is linked.
    """
    boxes = {box["id"]: box for box in graph.get("definitions", {}).get("subgraphs", [])}
    nodes, links = [], [list(link) for link in graph["links"]]
    for node in graph["nodes"]:
        if node["type"] not in boxes:
            nodes.append(node)
            continue
        box, name = boxes[node["type"]], f"{node['id']}:{{}}".format
        onward = {}
        for link in box["links"]:
            if link["target_id"] == EXIT:
                onward[link["id"]] = output = node["outputs"][link["target_slot"]]["links"]
                for leaving in (other for other in links if other[0] in output):
                    leaving[1:3] = name(link["origin_id"]), link["origin_slot"]
            else:
                ends = (name(link["origin_id"]), link["origin_slot"], name(link["target_id"]), link["target_slot"])
                links.append([name(link["id"]), *ends, link["type"]])
        nodes += [_renamed(inner, name, onward) for inner in box["nodes"]]
    return {**graph, "nodes": nodes, "links": links}


def _renamed(node: dict, name: Callable[[int], str], onward: dict[int, list]) -> dict:
    inputs = [{**found, "link": None if found["link"] is None else name(found["link"])} for found in node["inputs"]]
    outputs = [{**given, "links": [number for link in given["links"] for number in onward.get(link, [name(link)])]}
               for given in node["outputs"]]
    return {**node, "id": name(node["id"]), "inputs": inputs, "outputs": outputs}


def as_prompt(graph: dict, known: dict) -> Prompt:
    """The API-format prompt of a workflow, without its notes."""
    graph = flattened(graph)
    sources = {link[0]: [str(link[1]), link[2]] for link in graph["links"]}
    prompt = {}
    for node in graph["nodes"]:
        if node["type"] not in known:
            continue
        unsaved = {name: UNSAVED[spec[0]] for name, spec in inputs_of(known[node["type"]]) if str(spec[0]) in UNSAVED}
        values = unsaved | values_of(node, known[node["type"]])
        values.pop(SEED_CONTROL, None)
        links = {found["name"]: sources[found["link"]] for found in node["inputs"] if found["link"] is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": values | links}
    return prompt
