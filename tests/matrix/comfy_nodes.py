"""ComfyUI's own nodes, all of them, with every input at its default."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache

import nodes

WIDGETS = ("INT", "FLOAT", "BOOLEAN", "STRING", "COMBO")
Node = type


@cache
def all_nodes() -> dict[str, Node]:
    """By their ids."""
    asyncio.run(nodes.init_builtin_extra_nodes())
    return dict(nodes.NODE_CLASS_MAPPINGS)


def wanted(node: Node) -> dict[str, tuple]:
    """Its required inputs."""
    return node.INPUT_TYPES().get("required", {})


def kind_of(spec: tuple) -> str:
    """The type of an input."""
    return spec[0] if isinstance(spec[0], str) else "COMBO"


def that_take_and_give(taken: tuple[str, ...], given: str) -> list[str]:
    """Ids of the nodes that give this, and that need only widgets and what is taken."""
    found = []
    for name, node in all_nodes().items():
        kinds = {kind_of(spec) for spec in wanted(node).values()} - {*WIDGETS}
        if given in node.RETURN_TYPES and kinds <= {*taken} and set(taken[:1]) <= kinds:
            found.append(name)
    return found


def default_of(spec: tuple) -> object:
    """The default of a widget."""
    options = spec[1] if len(spec) > 1 else {}
    if "default" in options:
        return options["default"]
    choices = spec[0] if not isinstance(spec[0], str) else options.get("options") or [""]
    return choices[0] if choices else ""


def made_by(name: str, linked: Callable[[str], object]) -> object:
    """The first output of a node. linked: gives the value for an input of this type."""
    node = all_nodes()[name]
    inputs = {key: default_of(spec) if kind_of(spec) in WIDGETS else linked(kind_of(spec))
              for key, spec in wanted(node).items()}
    result = getattr(node(), node.FUNCTION)(**inputs)
    return result[0] if isinstance(result, tuple) else result.args[0]
