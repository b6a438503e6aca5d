"""What a newcomer does first, in both frontends and both renderers: find, insert, run, open a template.

The tests of the other files run in the pinned frontend alone.
"""

from __future__ import annotations

import itertools
import re

import pytest
from tap_pack.demo.launch.prompts import SAMPLER, stock_prompt

from browser_graph import FOLD, KNOWN, OF_KIND, OPEN, numbered, viewed_prompt
from browser_page import ComfyPage

NAMES = "() => app.canvas.graph.nodes.filter(node => node.comfyClass === 'TapAccelerate').map(node => node.id)"
FEEDS = "id => app.canvas.graph.getNodeById(id).getInputNode(0).comfyClass"
# So few steps are too few for a quality.
FIXED = "id => { app.canvas.graph.getNodeById(id).widgets.find(({ name }) => name === 'quality').value = 'fixed'; }"
# A prompt that ran before comes from ComfyUI's cache, and shows no steps.
SEEDS = itertools.count(5)
FIRST = "01 Try it, accelerate a demo, no download"


@pytest.mark.parametrize(("vue", "kind"), [(False, "UNETLoader"), (False, "KSampler"), (True, "KSampler")])
def test_two_clicks_put_it_into_an_own_graph(newcomer: ComfyPage, vue: bool, kind: str) -> None:
    newcomer.use_renderer(vue)
    newcomer.load(numbered(stock_prompt(seed=next(SEEDS), steps=8, size=64)))
    node = newcomer.page.evaluate(OF_KIND, kind)
    newcomer.show(node)
    newcomer.page.mouse.click(*newcomer.place(node, 60, -15), button="right")
    newcomer.page.get_by_text(re.compile("^Insert TAP Accelerate")).last.click()
    added, = newcomer.until(lambda: newcomer.page.evaluate(NAMES), "the node")
    assert newcomer.prompt_inputs(KNOWN[SAMPLER])["model"] == [str(added), 0]
    assert newcomer.page.evaluate(FEEDS, added) == "UNETLoader"
    if vue:
        newcomer.page.evaluate(FIXED, added)
        newcomer.show(added)
        newcomer.run()
        line = newcomer.element(added, " .tap-run-line")
        newcomer.until(lambda: "faster; " in line.text_content(), "the line of the run")


def test_the_strip_of_a_subgraph_stands_within_its_node(newcomer: ComfyPage) -> None:
    newcomer.use_renderer(vue=True)
    newcomer.load(viewed_prompt(seed=next(SEEDS), steps=4, size=64))
    outside = newcomer.page.evaluate(FOLD, ["TapAccelerate"])
    newcomer.run()
    strip = newcomer.page.locator(".tap-run").filter(visible=True)
    newcomer.until(lambda: strip.count() == 1, "a strip on the subgraph")
    newcomer.show(outside)
    assert newcomer.holds_element(outside)


def test_the_node_search_has_it_first(newcomer: ComfyPage) -> None:
    newcomer.use_renderer(vue=False)
    page = newcomer.page
    page.evaluate("() => app.graph.clear()")
    newcomer.settle()
    typed, found = page.locator("input:focus"), page.locator("[role='option'], [data-testid^='result']")

    def opens() -> bool:
        if not typed.count():  # a busy page may lose a double-click
            page.mouse.dblclick(700, 600)
            page.wait_for_timeout(500)
        return typed.count() > 0

    newcomer.until(opens, "the node search")
    for words in ("tap", "speed", "faster", "teacache"):
        typed.fill(words)
        newcomer.until(lambda: (found.all_inner_texts() or [""])[0].strip().startswith("TAP Accelerate"), words)
    page.keyboard.press("Escape")


def test_the_first_template_opens_readable(newcomer: ComfyPage) -> None:
    assert FIRST in newcomer.server.get("/api/workflow_templates")["tap-accelerate"]
    newcomer.page.evaluate(OPEN, FIRST)
    newcomer.until(lambda: newcomer.page.evaluate(NAMES), "the template's nodes")
    newcomer.until(lambda: newcomer.page.evaluate("app.canvas.ds.scale") > 0.6, "the view to be readable")
