"""Room for what is shown: all of the line's advice, and nodes of a template side by side, in both renderers."""

from __future__ import annotations

from browser_graph import ACCELERATE, OPEN, viewed_prompt
from browser_page import ComfyPage

ADVICE = "Set quality to close, or lower interval."
# The only template with two TAP Accelerate nodes above each other.
TWO_MODELS = "16 Faster Wan 2.2 video"
# Top and bottom of each TAP Accelerate as it is drawn, in pixels of the graph.
DRAWN = """() => app.canvas.graph.nodes.filter(({ comfyClass }) => comfyClass === 'TapAccelerate').map((node) => {
    const drawn = document.querySelector(`[data-node-id='${node.id}']`);
    const height = drawn ? drawn.getBoundingClientRect().height / app.canvas.ds.scale : node.size[1] + TITLE;
    return [node.pos[1] - TITLE, node.pos[1] - TITLE + height];
}).sort(([one], [other]) => one - other)""".replace("TITLE", "LiteGraph.NODE_TITLE_HEIGHT")


def test_a_line_that_says_what_to_change_is_shown_whole(comfy: ComfyPage) -> None:
    comfy.load(viewed_prompt(seed=83, steps=8, size=64))
    comfy.show(ACCELERATE)
    comfy.run()
    line = comfy.element(ACCELERATE, " .tap-run-line")
    comfy.until(lambda: line.text_content().endswith(ADVICE), "the advice")
    assert line.evaluate("element => element.scrollHeight <= element.clientHeight"), line.text_content()


def test_no_node_of_a_template_covers_another_ones_button(comfy: ComfyPage) -> None:
    comfy.page.evaluate(OPEN, TWO_MODELS)
    comfy.settle()
    first, second = comfy.until(lambda: len(found := comfy.page.evaluate(DRAWN)) == 2 and found, "two nodes")
    assert first[1] <= second[0], (first, second)
