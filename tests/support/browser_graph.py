"""The demo workflow with every view, as the browser loads it: node ids are numbers there."""

from __future__ import annotations

from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import PICTURE, SAMPLER, node, tap_prompt

LAYERS = ("predictor", "order", "horizon", "loss")
# Ids in the browser.
ACCELERATE, VIEWER, REPORT, SAVE = 1, 2, 3, 4
MAPS = {layer: 10 + number for number, layer in enumerate(LAYERS)}
KNOWN = {"tap": ACCELERATE, "viewer": VIEWER, "report": REPORT, PICTURE: SAVE, SAMPLER: 5}
OF_KIND = "kind => app.canvas.graph.nodes.find(found => found.comfyClass === kind).id"
# Puts all nodes of some kinds into a subgraph; returns its id.
FOLD = """kinds => {
    const { canvas } = app;
    canvas.selectItems(canvas.graph.nodes.filter(node => kinds.includes(node.comfyClass)));
    return canvas.graph.convertToSubgraph(canvas.selectedItems).node.id;
}"""
# What the frontend does when a person clicks a template; its dialog takes 20 s to draw all the others.
OPEN = """async name => {
    const answer = await fetch(`/api/workflow_templates/tap-accelerate/${encodeURIComponent(name)}.json`);
    await app.loadGraphData(await answer.json(), true, true, name, { openSource: "template" });
}"""


def viewed_prompt(seed: int, steps: int = 12, size: int = 128, batch: int = 1, maps: bool = False, **settings: object
                  ) -> Prompt:
    """The demo model with TAP, the viewer and the report.

    maps: a plain choice map of each layer to compare with; they take longer than the picture. How many steps are
    computed is known beforehand, unless a quality is given.
    """
    prompt = tap_prompt(seed, steps, size, **{"quality": "fixed", **settings})
    prompt["empty"]["inputs"]["batch_size"] = batch
    views = {"record": ["tap", 1], "after": ["decode", 0]}
    prompt["viewer"] = node("TapChoiceMapViewer", **views)
    prompt["report"] = node("TapReport", **views)
    for layer in LAYERS if maps else ():
        prompt[f"map {layer}"] = node("TapChoiceMap", **views, layer=layer, legend=False)
    return numbered(prompt)


def numbered(prompt: Prompt) -> Prompt:
    """The prompt with numbers instead of words as node ids."""
    ids = KNOWN | {f"map {layer}": number for layer, number in MAPS.items()}
    ids |= {name: 20 + place for place, name in enumerate(name for name in prompt if name not in ids)}
    numbers = {name: str(number) for name, number in ids.items()}

    def link(value: object) -> object:
        return [numbers[value[0]], value[1]] if isinstance(value, list) else value

    return {
        numbers[name]: {**asked, "inputs": {key: link(value) for key, value in asked["inputs"].items()}}
        for name, asked in prompt.items()
    }
