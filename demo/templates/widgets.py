"""Which inputs of a node have widgets, from the server's answer to /object_info."""

from __future__ import annotations

from collections.abc import Iterator

# The workflows use only choices of a dynamic combo that have no own inputs.
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "IMAGECOMPARE", "COMFY_DYNAMICCOMBO_V3", "FLOAT,INT"}
SEED_CONTROL = "control_after_generate"


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
