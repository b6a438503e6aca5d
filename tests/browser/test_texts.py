"""Nodes whose result is text show it on their face, in both renderers, and after a refresh."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from browser_page import ComfyPage

# How far below its node's edge the map of TAP Compare ends, in the graph's units; null while there is no map.
BELOW = """id => {
    const { canvas } = app, node = canvas.graph.getNodeById(id);
    const drawn = document.querySelector(`[data-node-id="${id}"]`);
    const map = node.widgets.find(({ name }) => name.includes('image-preview'));
    if (!drawn) return map?.computedHeight ? map.y + map.computedHeight - node.size[1] : null;
    const picture = drawn.querySelector('img[src*="/view?"]'), bottom = part => part.getBoundingClientRect().bottom;
    return picture && (bottom(picture) - bottom(drawn)) / canvas.ds.scale;
}"""
SCROLLS = "part => part.scrollHeight > part.clientHeight"


@pytest.fixture(scope="module")
def opened(comfy: ComfyPage, repository: Path) -> ComfyPage:
    """The workflow that calibrates, made fast, with the two nodes that it does not have."""
    file = repository / "workflows" / "04 Calibrate once, no download.json"
    workflow = json.loads(file.read_text(encoding="utf-8"))
    comfy.page.evaluate("workflow => app.loadGraphData(workflow)", workflow)
    comfy.page.evaluate(
        """() => {
            const { graph } = app.canvas, first = kind => graph.nodes.find(node => node.comfyClass === kind);
            const set = (node, name, value) => { node.widgets.find(found => found.name === name).value = value; };
            for (const node of graph.nodes) if (node.comfyClass === 'KSampler') set(node, 'steps', 12);
            for (const node of graph.nodes.flatMap(({ subgraph }) => subgraph?.nodes ?? []))
                if (node.comfyClass === 'EmptySD3LatentImage')
                    for (const side of ['width', 'height']) set(node, side, 128);
            for (const kind of ['TapCalibrate', 'TapPlacement']) set(first(kind), 'budget', '4');
            const join = (kind, from, output) => {
                const node = LiteGraph.createNode(kind);
                node.pos = [1200, 1200 + 400 * graph.nodes.length];
                graph.add(node);
                from.connect(output, node, 0);
                const sampler = graph.nodes.filter(found => found.comfyClass === 'KSampler')
                    .find(found => found.getInputNode(0) === from);
                sampler.connect(0, node, 1);
            };
            set(first('TapMeasureRun'), 'target', 'residual');
            join('TapFitTables', first('TapMeasureRun'), 1);
            join('TapReport', graph.nodes.filter(node => node.comfyClass === 'TapAccelerate').at(-1), 1);
        }"""
    )
    comfy.settle()
    return comfy


def node(comfy: ComfyPage, kind: str) -> int:
    """The first node of a kind."""
    return comfy.page.evaluate("kind => app.canvas.graph.nodes.find(node => node.comfyClass === kind).id", kind)


def text(comfy: ComfyPage, kind: str) -> str:
    """The text on its face."""
    return comfy.element(node(comfy, kind), " .tap-text-words").text_content()


def sizes(comfy: ComfyPage) -> dict[str, list[float]]:
    """Sizes of our nodes that show a result."""
    return {kind: comfy.page.evaluate("id => [...app.canvas.graph.getNodeById(id).size]", node(comfy, kind))
            for kind in (*KINDS, "TapCompare")}


KINDS = {
    "TapReport": "steps computed", "TapCalibrate": "To expect", "TapPlacement": "4 of 12 steps are computed",
    "TapFitTables": ", ",
}


def test_before_a_run_each_says_what_it_will_show(opened: ComfyPage) -> None:
    assert all(text(opened, kind).startswith("Queue: ") for kind in KINDS)


def test_after_a_run_each_shows_its_result_within_itself_and_keeps_its_size(opened: ComfyPage) -> None:
    opened.show(node(opened, "TapReport"))
    before = sizes(opened)
    opened.run()
    for kind, words in KINDS.items():
        opened.until(lambda kind=kind, words=words: words in text(opened, kind), f"{words!r} on {kind}")
    assert sizes(opened) == before
    compare = node(opened, "TapCompare")
    opened.show(compare)
    opened.until(lambda: opened.page.evaluate(BELOW, compare) is not None, "the map")
    # The map has room from the start: the classic renderer draws it below the node first, and makes room later.
    assert opened.page.evaluate(BELOW, compare) <= 0 and sizes(opened) == before
    calibration = text(opened, "TapCalibrate").partition("\n\n")[2]
    assert calibration == opened.outputs(node(opened, "TapCalibrate"))["text"][1] != ""
    assert opened.outputs(node(opened, "TapReport"))["text"][0] == text(opened, "TapReport")


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_seen_and_scrolled(opened: ComfyPage, kind: str) -> None:
    place = node(opened, kind)
    opened.show(place)
    face = opened.element(place, " .tap-text-words")
    face.wait_for(state="visible")
    box = opened.still(face)
    assert box["width"] > 100 and box["height"] > 30
    if kind == "TapReport":
        assert face.evaluate(SCROLLS)
        opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if opened.vue:  # it zooms the graph until the text is the one that is pointed at and focused
            face.focus()
        opened.page.mouse.wheel(0, 60)
        opened.until(lambda: face.evaluate("part => part.scrollTop") > 0, "the text to scroll")


def test_no_value_of_it_is_in_the_prompt_or_the_workflow(opened: ComfyPage) -> None:
    assert "words" not in opened.prompt_inputs(node(opened, "TapPlacement"))
    saved = opened.page.evaluate(
        "id => app.canvas.graph.serialize().nodes.find(node => String(node.id) === String(id)).widgets_values",
        node(opened, "TapPlacement"),
    )
    assert saved == ["", "4"]


def test_a_refresh_brings_it_back(opened: ComfyPage) -> None:
    before = {kind: text(opened, kind) for kind in KINDS}
    opened.reload()
    assert {kind: text(opened, kind) for kind in KINDS} == before
