"""Names and help pages in the reader's language, in the real frontend."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser_graph import ACCELERATE, REPORT, viewed_prompt
from browser_page import READY, ComfyPage


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest, comfy: ComfyPage) -> Iterator[str]:
    """The frontend in a language; English again afterwards."""
    comfy.set("Comfy.Locale", request.param)
    comfy.page.reload()
    comfy.page.wait_for_function(READY)
    comfy.load(viewed_prompt(seed=3))
    yield request.param
    comfy.set("Comfy.Locale", "en")


def test_nodes_and_widgets_have_names_in_it(comfy: ComfyPage, language: str) -> None:
    labels = comfy.page.evaluate(
        "id => Object.fromEntries(app.canvas.graph.getNodeById(id).widgets.map(w => [w.name, w.label]))", ACCELERATE
    )
    assert labels["interval"] == {"en": "interval", "zh": "间隔"}[language]
    assert labels["trust"] == {"en": "trust", "zh": "信任"}[language]
    title = comfy.page.evaluate("id => app.canvas.graph.getNodeById(id).title", REPORT)
    assert title == {"en": "TAP Report", "zh": "TAP 报告"}[language]


def test_the_help_page_opens_in_it_with_its_picture(comfy: ComfyPage, language: str) -> None:
    comfy.show(ACCELERATE)
    comfy.page.mouse.click(*comfy.place(ACCELERATE, 60, -15))
    comfy.page.locator("[data-testid='info-button']").first.dispatch_event("click")
    panel = comfy.page.locator(".node-help-content").first
    expect(panel).to_contain_text({"en": "Put it between the model loader", "zh": "放在模型加载器"}[language])
    comfy.until(
        lambda: panel.locator("img").first.evaluate("image => image.complete && image.naturalWidth > 0"), "the picture"
    )
    # The frontend asks for docs/NODE/en.md first, then for docs/NODE.md, the page for all languages without their own.
    comfy.complaints[:] = [said for said in comfy.complaints if not said.endswith("/TapAccelerate/en.md")]
