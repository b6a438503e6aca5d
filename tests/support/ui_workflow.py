"""Reads a workflow as the browser saves it and turns it into the prompt that the browser would send."""

from __future__ import annotations

from collections.abc import Iterator

from tap_pack.demo.launch.client import Prompt

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "IMAGECOMPARE"}


def widget_inputs(known: dict) -> list[str]:
    """The names of a node's widgets, in the order in which their values are saved."""
    return [name for name, spec in inputs_of(known) for name in widgets_of(name, spec)]


def inputs_of(known: dict) -> Iterator[tuple[str, list]]:
    """Every input of a node as /object_info describes it, required ones first."""
    for group in ("required", "optional"):
        for name in known["input_order"].get(group, []):
            yield name, known["input"][group][name]


def widgets_of(name: str, spec: list) -> list[str]:
    """The widgets that belong to one input: none for a link, two for a seed."""
    kind, settings = spec[0], spec[1] if len(spec) > 1 else {}
    if not isinstance(kind, list) and (kind not in WIDGETS or settings.get("forceInput")):
        return []
    return [name, "control_after_generate"] if settings.get("control_after_generate") else [name]


def as_prompt(graph: dict, known: dict) -> Prompt:
    """The API-format prompt of a workflow without subgraphs; notes are left out."""
    sources = {link[0]: [str(link[1]), link[2]] for link in graph["links"]}
    prompt = {}
    for node in graph["nodes"]:
        if node["type"] not in known:
            continue
        # Inputs are only ever appended: a workflow that was saved before has fewer values.
        values = dict(zip(widget_inputs(known[node["type"]]), node["widgets_values"], strict=False))
        values.pop("control_after_generate", None)
        links = {found["name"]: sources[found["link"]] for found in node["inputs"] if found["link"] is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": values | links}
    return prompt
