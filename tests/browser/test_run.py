"""TAP Accelerate in the real frontend: the strip of the run, widgets and presets, by mouse and by keys."""

from __future__ import annotations

import re

import pytest

from browser_graph import ACCELERATE, REPORT, viewed_prompt
from browser_page import ComfyPage

# Notes every state of the strip.
WATCH = """id => {
    const strip = document.querySelector(`#tap-on-${id}`);
    window.seenMarks = [];
    new MutationObserver(() => window.seenMarks.push([strip.dataset.marks, strip.innerText]))
        .observe(strip, { attributes: true, attributeFilter: ['data-marks'] });
}"""

# Connects a text to a TAP Placement, as a step for undo.
CONNECT_TEXT = """id => {
    const { graph } = app.canvas, node = graph.getNodeById(id), text = LiteGraph.createNode('PrimitiveStringMultiline');
    text.pos = [node.pos[0], node.pos[1] + 500];
    graph.add(text);
    text.connect(0, node, node.inputs.findIndex(({ name }) => name === 'text'));
    app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState();
}"""


@pytest.fixture(scope="module")
def opened(comfy: ComfyPage) -> ComfyPage:
    """The workflow is open."""
    comfy.load(viewed_prompt(seed=31, steps=20))
    return comfy


@pytest.fixture(autouse=True)
def in_view(opened: ComfyPage) -> None:
    """TAP Accelerate is in view, with no menu open."""
    opened.page.keyboard.press("Escape")
    opened.show(ACCELERATE)


def line(comfy: ComfyPage) -> str:
    """The line below the strip."""
    return comfy.element(ACCELERATE, " .tap-run-line").text_content()


def slider(comfy: ComfyPage, name: str, share: float) -> tuple[float, float]:
    """A place on the slider of a node, in the classic renderer."""
    y, height, width = comfy.page.evaluate(
        """([id, name]) => {
            const node = app.canvas.graph.getNodeById(id), widget = node.widgets.find(w => w.name === name);
            return [widget.last_y ?? widget.y, widget.computedHeight ?? 20, node.size[0]];
        }""",
        [ACCELERATE, name],
    )
    return comfy.place(ACCELERATE, 15 + share * (width - 30), y + min(height, 20) / 2)


def row(comfy: ComfyPage, name: str) -> object:
    """A widget's row in Nodes 2.0."""
    node = comfy.page.locator(f"[data-node-id='{ACCELERATE}']")
    return node.locator("[data-testid='node-widget']").filter(has_text=name).first


def holds(comfy: ComfyPage, **values: object) -> None:
    """Widgets, the prompt that would be sent, and the workflow that would be saved have these values."""
    comfy.until(lambda: {**comfy.widgets(ACCELERATE), **values} == comfy.widgets(ACCELERATE), f"widgets at {values}")
    sent = comfy.prompt_inputs(ACCELERATE)
    assert {name: sent[name] for name in values} == values


def choose_in_menu(comfy: ComfyPage, node: int, *entries: str) -> None:
    """Opens a node's menu and follows it down to the last of these entries."""
    comfy.page.mouse.click(*comfy.place(node, 60, -15), button="right")
    for number, words in enumerate(entries):
        entry = comfy.page.get_by_text(re.compile(f"^{re.escape(words)}")).last
        leads_on = number < len(entries) - 1
        entry.hover() if leads_on and comfy.vue else entry.click()


def test_the_strip_fills_during_the_run_and_ends_with_the_result(opened: ComfyPage) -> None:
    opened.element(ACCELERATE, "").wait_for()
    opened.page.evaluate(WATCH, f"{ACCELERATE}")
    opened.run()
    report = opened.report(REPORT)
    final = "".join("f" if step in report["full_steps"] else "s" for step in range(20))
    opened.until(lambda: opened.element(ACCELERATE, "").get_attribute("data-marks") == final, "the full strip")
    seen = opened.page.evaluate("window.seenMarks")
    states = [marks for marks, _ in seen]
    assert states[0] == "." * 20 and len(states) >= 3
    assert all(final.startswith(marks.rstrip(".")) for marks in states)
    assert [len(marks.rstrip(".")) for marks in states] == sorted(len(marks.rstrip(".")) for marks in states)
    assert "6 of 20 steps, 3.3x fewer calls" in seen[0][1]
    assert any("cache" in text for marks, text in seen if marks == "." * 20)
    assert re.match(r"[\d.]+ s( instead of about [\d.]+ s, [\d.]+x|, not) faster; ", line(opened))
    assert any(re.match(r"\d+ of 20 steps, \d+ computed, about \d+ s left", text.splitlines()[-1]) for _, text in seen)
    key = opened.element(ACCELERATE, " .tap-run-key").inner_text()
    assert key.split("\n") == ["6 computed", "14 forecast"]


def test_the_strip_says_why_nothing_is_forecast(opened: ComfyPage) -> None:
    opened.page.evaluate(
        "id => { app.canvas.graph.getNodeById(id).widgets.find(w => w.name === 'interval').value = 1; }", ACCELERATE
    )
    opened.run()
    opened.until(lambda: "interval is 1" in line(opened), "the reason")
    assert opened.element(ACCELERATE, "").get_attribute("data-marks") == "f" * 20


def test_with_a_quality_the_line_says_how_close_the_picture_is(opened: ComfyPage) -> None:
    opened.page.evaluate(
        """id => { for (const [name, value] of [['interval', 5], ['quality', 'good']])
            app.canvas.graph.getNodeById(id).widgets.find(w => w.name === name).value = value; }""", ACCELERATE
    )
    opened.element(ACCELERATE, "").wait_for()
    opened.page.evaluate(WATCH, f"{ACCELERATE}")
    opened.run()
    told = r"^[\d.]+ s.* faster; .*about \d+ dB, mostly \d+ to \d+\)"
    opened.until(lambda: re.search(told, line(opened)), "the closeness")
    lines = [text for _, text in opened.page.evaluate("window.seenMarks")]
    assert "as many are computed as quality good takes" in lines[0]
    assert any(re.search(r"good: \d+ of 20.*; so far ", text) for text in lines)
    below = opened.element(ACCELERATE, " .tap-run-line")
    assert below.get_attribute("title") == line(opened)
    assert below.evaluate("element => element.scrollHeight <= element.clientHeight"), "the line is cut"


def test_a_setting_removes_the_strip_and_brings_it_back(opened: ComfyPage) -> None:
    strip = opened.element(ACCELERATE, "")
    opened.set("TAP.LiveStrip", False)
    strip.wait_for(state="hidden")
    opened.set("TAP.LiveStrip", True)
    strip.wait_for(state="visible")


def test_the_slider_moves_with_the_mouse(opened: ComfyPage) -> None:
    page = opened.page
    if opened.vue:
        box = opened.still(row(opened, "interval").locator("[data-slot='slider']"))
        start, end = ((box["x"] + share * box["width"], box["y"] + box["height"] / 2) for share in (0.2, 0.6))
    else:
        start, end = slider(opened, "interval", 0.2), slider(opened, "interval", 0.6)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    # The place where the drag ended, not the first touch; Nodes 2.0's knob keeps its distance from the pointer.
    opened.until(lambda: 9 <= opened.widgets(ACCELERATE)["interval"] <= 14, "the slider's place")
    value = opened.widgets(ACCELERATE)["interval"]
    holds(opened, interval=value)


def test_the_slider_moves_with_keys(opened: ComfyPage) -> None:
    """The classic renderer paints its sliders: keys work in the panel of the node's parameters."""
    page, before = opened.page, opened.widgets(ACCELERATE)["interval"]
    panel = page.get_by_role("button", name="Toggle properties panel").first
    if opened.vue:
        thumb = row(opened, "interval").locator("[role='slider']")
    else:
        page.evaluate("id => app.canvas.selectNode(app.canvas.graph.getNodeById(id))", ACCELERATE)
        panel.click()
        thumb = page.locator("[data-slot='slider-thumb']").first
    thumb.focus()
    page.keyboard.press("ArrowRight")
    holds(opened, interval=before + 1)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    holds(opened, interval=before - 1)
    if not opened.vue:
        page.get_by_role("button", name="Toggle properties panel").first.click()


def test_the_order_set_is_chosen_with_the_mouse_and_with_keys(opened: ComfyPage) -> None:
    page = opened.page
    if opened.vue:
        box = row(opened, "orders").locator("[role='combobox'], button").first
        box.click()
        page.locator("[role='option']").filter(has_text="0,1,2,3").first.click()
        holds(opened, orders="0,1,2,3")
        box.focus()
        page.keyboard.press("Enter")
        page.locator("[role='option']").first.wait_for()
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        holds(opened, orders="0")
    else:
        page.mouse.click(*slider(opened, "orders", 0.5))
        page.locator(".litecontextmenu .litemenu-entry", has_text="0,1,2,3").click()
        holds(opened, orders="0,1,2,3")
        page.mouse.click(*slider(opened, "orders", 0.5))
        page.locator(".litecontextmenu input").fill("1,2,3")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        opened.until(lambda: "1,2,3" in opened.widgets(ACCELERATE)["orders"], "an order set by keys")


@pytest.mark.parametrize(("preset", "values"), [
    ("Draft", {"quality": "draft", "placement": "change", "correction": "on", "target": "auto"}),
    ("Paper N=6", {"quality": "fixed", "interval": 6, "placement": "paper", "correction": "off", "target": "residual"}),
    ("Close", {"quality": "close", "placement": "change", "correction": "on", "target": "auto", "orders": "0,1,2"}),
])
def test_a_preset_from_the_menu_sets_the_widgets(opened: ComfyPage, preset: str, values: dict) -> None:
    choose_in_menu(opened, ACCELERATE, "TAP presets", preset)
    holds(opened, **values)
    plan = "5 of 20 steps, " if values["quality"] == "fixed" else f"as quality {values['quality']} takes"
    opened.until(lambda: plan in line(opened), "the plan of the preset")


def test_the_saved_workflow_has_no_value_of_ours_and_holds_the_others(opened: ComfyPage) -> None:
    saved = opened.page.evaluate(
        "id => app.canvas.graph.serialize().nodes.find(node => node.id === id).widgets_values", ACCELERATE
    )
    assert saved == [value for name, value in opened.widgets(ACCELERATE).items()
                     if name not in ("more", "run")]
    before = opened.widgets(ACCELERATE)
    opened.page.evaluate("() => app.loadGraphData(app.canvas.graph.serialize())")
    opened.settle()
    assert opened.widgets(ACCELERATE) == before


def test_a_calibration_is_saved_under_a_name_and_used_from_the_menu(opened: ComfyPage) -> None:
    page = opened.page
    placement = page.evaluate(
        """() => {
            const node = LiteGraph.createNode('TapPlacement');
            node.pos = [-1200, 900];
            app.canvas.graph.add(node);
            node.widgets.find(widget => widget.name === 'text').value = 'a calibration';
            return node.id;
        }"""
    )
    opened.show(placement)
    choose_in_menu(opened, placement, "Save this calibration")
    page.get_by_role("dialog").locator("input").last.fill("demo, 20 steps")
    page.keyboard.press("Enter")
    page.get_by_text("demo, 20 steps is saved").first.wait_for()
    page.evaluate("id => app.canvas.graph.remove(app.canvas.graph.getNodeById(id))", placement)
    opened.show(ACCELERATE)
    choose_in_menu(opened, ACCELERATE, "TAP presets", "Calibration: demo, 20 steps")
    assert "demo, 20 steps" in line(opened)
    source = int(opened.prompt_inputs(ACCELERATE)["schedule"][0])
    assert opened.widgets(source)["text"] == "a calibration"
    opened.show(source)
    page.evaluate(CONNECT_TEXT, source)
    opened.until(lambda: isinstance(opened.prompt_inputs(source)["text"], list), "the connected text")
    choose_in_menu(opened, source, "Saved calibrations", "demo, 20 steps")
    opened.until(lambda: opened.prompt_inputs(source)["text"] == "a calibration", "the chosen text")
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    opened.until(lambda: isinstance(opened.prompt_inputs(source)["text"], list), "one undo to connect it again")
    opened.show(source)
    choose_in_menu(opened, source, "Delete a calibration", "demo, 20 steps")
    page.get_by_text("demo, 20 steps is deleted").first.wait_for()
    assert page.evaluate("app.extensionManager.setting.get('TAP.Calibrations')") == {}
