"""What a node's result was made from, so that a result of ComfyUI's cache finds the run that made it."""

import hashlib
import json

# ComfyUI gives nodes of these classes a result of their own each.
OWN = ("TapAccelerate",)


def makings_of(prompt: dict) -> dict[str, str]:
    """Node id -> a name of everything that its result was made from, as ComfyUI's cache tells results apart."""
    found: dict[str, str] = {}
    for node in prompt:
        _add(prompt, str(node), found)
    return found


def _add(prompt: dict, start: str, found: dict[str, str]) -> None:
    """Sources first, without recursion: a prompt may be a long chain."""
    waiting, opened = [start], set()
    while waiting:
        node = waiting[-1]
        new = [source for source in _sources(prompt, node) if source not in found and source not in opened]
        if node not in found and new and node not in opened:
            opened.add(node)
            waiting += new
            continue
        waiting.pop()
        found.setdefault(node, _name(prompt, node, found))


def _name(prompt: dict, node: str, found: dict[str, str]) -> str:
    asked = prompt.get(node, {})
    inputs = {name: [found.get(str(value[0]), ""), value[1]] if _is_link(value) else value
              for name, value in asked.get("inputs", {}).items()}
    kind = asked.get("class_type", "")
    made = json.dumps([kind, node if kind in OWN else "", inputs], sort_keys=True, default=str)
    return hashlib.sha256(made.encode()).hexdigest()


def _sources(prompt: dict, node: str) -> list[str]:
    values = prompt.get(node, {}).get("inputs", {}).values()
    return [str(value[0]) for value in values if _is_link(value) and str(value[0]) in prompt]


def _is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)
