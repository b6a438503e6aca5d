"""Reads a workflow as the browser saves it and turns it into the prompt that the browser would send."""

from __future__ import annotations

from collections.abc import Iterator

from tap_pack.demo.launch.client import Prompt

# The workflows use only choices of a dynamic combo that have no own inputs.
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "IMAGECOMPARE", "COMFY_DYNAMICCOMBO_V3"}
SEED_CONTROL = "control_after_generate"
# What the browser sends for a widget that saves nothing; a list is wrapped, because a plain list is a link.
UNSAVED = {"IMAGECOMPARE": {"__value__": ["", ""]}}


def widget_inputs(known: dict) -> list[str]:
    """The names of a node's widgets, in the order in which their values are saved."""
    return [name for name, spec in inputs_of(known) for name in widgets_of(name, spec)]


def inputs_of(known: dict) -> Iterator[tuple[str, list]]:
    """Every input of a node as /object_info describes it, required ones first."""
    for group in ("required", "optional"):
        for name in known["input_order"].get(group, []):
            yield name, known["input"][group][name]


def settings_of(spec: list) -> dict:
    """What /object_info says about an input, besides its type."""
    return spec[1] if len(spec) > 1 else {}


def widgets_of(name: str, spec: list) -> list[str]:
    """The widgets that belong to one input: none for a link, two for a seed."""
    kind, settings = spec[0], settings_of(spec)
    if not isinstance(kind, list) and (kind not in WIDGETS or settings.get("forceInput")):
        return []
    return [name, SEED_CONTROL] if settings.get(SEED_CONTROL) else [name]


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
    types = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}[kind]
    if not isinstance(value, types) or (kind != "BOOLEAN" and isinstance(value, bool)):
        return f"{value!r} is no {kind}"
    if kind in ("INT", "FLOAT") and not settings.get("min", value) <= value <= settings.get("max", value):
        return f"{value} is not from {settings['min']} to {settings['max']}"
    return None


def as_prompt(graph: dict, known: dict) -> Prompt:
    """The API-format prompt of a workflow without subgraphs, without its notes."""
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
