"""The settings of the pack's templates, which are those of ComfyUI's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

Course = tuple[int, str, float]

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
# Node -> where its widgets hold the number of steps.
STEPS = {"BasicScheduler": 1, "Flux2Scheduler": 0, "LTXVScheduler": 0}


def templates_of() -> dict[Course, list[str]]:
    """(steps, sampler, guidance) -> the models whose templates have them, in the order of the templates."""
    found: dict[Course, list[str]] = {}
    for file in sorted(FOLDER.glob("*.json")):
        model = re.fullmatch(r"\d+ Faster (.+?)(?: video)?", file.stem)
        course = _course(json.loads(file.read_text(encoding="utf-8"))["nodes"])
        if model and course:
            found.setdefault(course, []).append(model[1])
    return found


def of_two_models(sampler: str) -> str:
    """How a sampler is named where two models share its steps."""
    return f"{sampler}, two models"


def _course(nodes: list[dict]) -> Course | None:
    """None where no sampler is known by its node."""
    widgets = {node["type"]: node.get("widgets_values", []) for node in nodes}
    if "KSampler" in widgets:
        steps, cfg, sampler = widgets["KSampler"][2:5]
        return steps, sampler, cfg
    if "KSamplerAdvanced" in widgets:
        steps, cfg, sampler = widgets["KSamplerAdvanced"][3:6]
        return steps, of_two_models(sampler), cfg
    if "KSamplerSelect" not in widgets:
        return None
    steps = next(widgets[kind][at] for kind, at in STEPS.items() if kind in widgets)
    return steps, widgets["KSamplerSelect"][0], widgets.get("CFGGuider", [1.0])[0]
