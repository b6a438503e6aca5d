"""Writes the workflows and their small pictures, and the pack's icon and banner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from .all import every_template
from .cards import draw_card, draw_wipe_card, scenes
from .signs import draw_banner, draw_icon

DEMO = Path(__file__).resolve().parents[1]
WORKFLOWS = DEMO.parent / "workflows"


def write_templates(known: dict[str, dict], full_steps: Sequence[int], folder: Path = WORKFLOWS) -> None:
    """Writes all files anew. known: the answer to /object_info; full_steps: computed in a demo run of 50 steps."""
    for old in [*folder.glob("*.json"), *folder.glob("*.jpg")]:
        old.unlink()
    marks = "".join("f" if step in full_steps else "s" for step in range(50))
    tiles = scenes(DEMO / "samples.jpg")
    both = tuple(Image.open(DEMO / "images" / name) for name in ("stock.png", "tap.png"))
    for place, graph in enumerate(every_template(known)):
        (folder / f"{graph.name}.json").write_text(in_lines(graph.as_file()), encoding="utf-8")
        card = (draw_wipe_card(graph.name, both, marks) if "no download" in graph.name
                else draw_card(graph.name, tiles[place % len(tiles)], marks))
        card.save(folder / f"{graph.name}.jpg", quality=75, optimize=True)
    draw_icon().save(DEMO / "images" / "icon.png", optimize=True)
    draw_banner(both, marks).save(DEMO / "images" / "banner.png", optimize=True)


def in_lines(file: dict) -> str:
    """JSON with one line for each node and each link, so that people can read what a change changes."""
    return "{\n" + ",\n".join(f" {_json(name)}: {_items(value)}" for name, value in file.items()) + "\n}\n"


def _items(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _json(value)
    return "[\n" + ",\n".join(f"  {_json(item)}" for item in value) + "\n ]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
