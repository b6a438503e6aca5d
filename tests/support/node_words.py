"""The words of every node as ComfyUI's translations have them: names and tooltips from the schemas."""

from __future__ import annotations

from comfy_api.latest import io
from tap_pack.nodes import NODES

Words = dict[str, dict]


def english_words() -> Words:
    """What locales/en/nodeDefs.json should hold: node id to its words."""
    return {schema.node_id: _words_of(schema) for schema in (node.GET_SCHEMA() for node in NODES)}


def _words_of(schema: io.Schema) -> dict:
    words = {"display_name": schema.display_name, "description": schema.description}
    inputs = {key: _one(found) for key, found in input_words(schema).items()}
    outputs = {str(n): _entry(o.display_name, o.tooltip) for n, o in enumerate(schema.outputs)}
    return words | ({"inputs": inputs} if inputs else {}) | ({"outputs": outputs} if outputs else {})


def input_words(schema: io.Schema) -> dict[str, list[dict]]:
    """The words of every input, by its key in the translations; inputs of several options can share a key."""
    found: dict[str, list[dict]] = {}
    for given in schema.inputs:
        found.setdefault(given.id, []).append(_entry(given.display_name or given.id, given.tooltip))
        for option in getattr(given, "options", None) or []:
            for knob in getattr(option, "inputs", []):
                # The browser calls it "schedule.threshold" and looks it up with "_" instead of ".".
                found.setdefault(f"{given.id}_{knob.id}", []).append(
                    _entry(knob.display_name or knob.id, knob.tooltip))
    return found


def _one(found: list[dict]) -> dict:
    """One entry for a key; if tooltips differ by option, the schema keeps them."""
    return found[0] if all(entry == found[0] for entry in found) else {"name": found[0]["name"]}


def _entry(name: str, tooltip: str | None) -> dict:
    return {"name": name, "tooltip": tooltip} if tooltip else {"name": name}
