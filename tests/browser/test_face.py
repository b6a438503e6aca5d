"""The face of TAP Accelerate in both renderers: main inputs, what decides instead, plans, and whose run is shown."""

from __future__ import annotations

import pytest

from browser_graph import ACCELERATE, FOLD, viewed_prompt
from browser_page import ComfyPage

STEPS = 20
ANOTHER_WORKFLOW = "() => app.loadGraphData({ ...app.canvas.graph.serialize(), id: crypto.randomUUID() })"
SAVED = "id => app.canvas.graph.serialize().nodes.find(node => node.id === id)"
CONNECT = """([id, kind, input]) => {
    const { graph } = app.canvas, node = graph.getNodeById(id), source = LiteGraph.createNode(kind);
    source.pos = [node.pos[0] - 600, node.pos[1]];
    graph.add(source);
    source.connect(0, node, node.inputs.findIndex(({ name }) => name === input));
}"""


@pytest.fixture(scope="module")
def opened(comfy: ComfyPage) -> ComfyPage:
    """The workflow is open, its seed stays the same."""
    comfy.load(viewed_prompt(seed=71, steps=STEPS))
    comfy.page.evaluate("""() => { for (const { widgets } of app.canvas.graph.nodes) for (const widget of widgets ?? [])
        if (widget.name === 'control_after_generate') widget.value = 'fixed'; }""")
    comfy.page.evaluate(ANOTHER_WORKFLOW)
    comfy.show(ACCELERATE)
    return comfy


def line(comfy: ComfyPage, node: int = ACCELERATE) -> str:
    """The line below the strip."""
    return comfy.element(node, " .tap-run-line").text_content()


def marks(comfy: ComfyPage, node: int = ACCELERATE) -> str:
    """The strip's steps, "" while it is empty."""
    return comfy.element(node, "").get_attribute("data-marks") or ""


def of_node(comfy: ComfyPage, what: str) -> object:
    """Something of the node, by an expression in which it is called node."""
    return comfy.page.evaluate(f"id => {{ const node = app.canvas.graph.getNodeById(id); return {what}; }}", ACCELERATE)


def set_widget(comfy: ComfyPage, name: str, value: object) -> None:
    """Sets a widget as a person does."""
    comfy.page.evaluate(
        """([id, name, value]) => {
            const widget = app.canvas.graph.getNodeById(id).widgets.find(widget => widget.name === name);
            widget.value = value;
            widget.callback?.(value);
        }""", [ACCELERATE, name, value])


def names_in_view(comfy: ComfyPage) -> set[str]:
    """Inputs that a person sees on the node."""
    if comfy.vue:
        rows = comfy.page.locator(f"[data-node-id='{ACCELERATE}'] [data-testid='node-widget']")
        words = " ".join(rows.all_inner_texts())
        return {name for name in of_node(comfy, "node.widgets.map(({ name }) => name)") if name in words}
    return set(of_node(comfy, "node.getLayoutWidgets().filter(w => node.isWidgetVisible(w)).map(({ name }) => name)"))


def press_advanced(comfy: ComfyPage) -> None:
    """Presses the button that shows or hides experts' inputs."""
    if comfy.vue:
        comfy.page.locator(f"[data-node-id='{ACCELERATE}'] [data-testid='advanced-inputs-button']").first.click()
    else:
        of_node(comfy, "node.widgets.find(({ name }) => name === 'more').callback()")


def test_experts_inputs_take_no_room_until_they_are_asked_for(opened: ComfyPage) -> None:
    main = {"quality", "interval", "orders", "horizon_from", "horizon_to", "proxy_loss"}
    experts = {"warmup_steps", "target", "correction", "placement", "trust", "most_computed"}
    opened.until(lambda: main <= names_in_view(opened), "the main inputs")
    assert not experts & names_in_view(opened)
    values, height = opened.page.evaluate(SAVED, ACCELERATE)["widgets_values"], of_node(opened, "node.size[1]")
    assert of_node(opened, "node.computeSize()[1]") < 420
    press_advanced(opened)
    opened.until(lambda: experts <= names_in_view(opened), "experts' inputs")
    saved = opened.page.evaluate(SAVED, ACCELERATE)
    assert saved["showAdvanced"] and saved["widgets_values"] == values
    assert of_node(opened, "node.computeSize()[1]") > 500
    press_advanced(opened)
    opened.until(lambda: not experts & names_in_view(opened), "the main inputs alone")
    opened.until(lambda: of_node(opened, "node.size[1]") == height, "the height from before")


def test_the_plan_shows_while_a_widget_moves(opened: ComfyPage) -> None:
    set_widget(opened, "interval", 3)
    opened.until(lambda: line(opened).startswith("8 of 20 steps, "), "the plan")
    assert marks(opened) == "." * STEPS
    set_widget(opened, "quality", "good")
    opened.until(lambda: "as many are computed as quality good takes" in line(opened), "the plan of a quality")
    set_widget(opened, "quality", "fixed")
    set_widget(opened, "interval", 5)
    opened.until(lambda: line(opened).startswith("6 of 20 steps, "), "the plan")


def test_what_a_connected_node_decides_is_grey_and_names_it(opened: ComfyPage) -> None:
    assert line(opened).startswith("6 of 20 steps, ")
    opened.page.evaluate(CONNECT, [ACCELERATE, "TapSchedule", "schedule"])
    opened.until(lambda: line(opened).startswith("TAP Schedule decides "), "no plan of what decides no longer")
    widgets = "Object.fromEntries(node.widgets.map(w => [w.name, [Boolean(w.disabled), w.label]]))"
    found = of_node(opened, widgets)
    assert found["quality"][0] and found["interval"][0] and not found["orders"][0]
    assert found["interval"][1] == "interval: from TAP Schedule"
    assert "interval" in opened.prompt_inputs(ACCELERATE)
    of_node(opened, "node.disconnectInput(node.inputs.findIndex(({ name }) => name === 'schedule'))")
    found = of_node(opened, widgets)
    assert not found["interval"][0] and found["interval"][1] == "interval"


def test_there_is_no_plan_of_a_value_that_is_connected(opened: ComfyPage) -> None:
    opened.until(lambda: line(opened).startswith("6 of 20 steps, "), "the plan")
    opened.page.evaluate(CONNECT, [ACCELERATE, "PrimitiveInt", "interval"])
    opened.until(lambda: line(opened).startswith("The plan depends on what is connected"), "no plan of the widget")
    of_node(opened, "node.disconnectInput(node.inputs.findIndex(({ name }) => name === 'interval'))")
    opened.until(lambda: line(opened).startswith("6 of 20 steps, "), "the plan again")


def test_a_result_of_the_cache_shows_the_run_that_made_it(opened: ComfyPage) -> None:
    opened.run()
    opened.until(lambda: "instead of" in line(opened) or "not faster" in line(opened), "the result")
    final, said = marks(opened), line(opened)
    assert set(final) == {"f", "s"}
    opened.page.evaluate(ANOTHER_WORKFLOW)
    opened.settle()
    assert marks(opened) == ""
    opened.run()
    opened.until(lambda: marks(opened) == final, "the run that made the cached result")
    assert line(opened) == f"Cached: {said}"


def test_a_subgraph_shows_the_run_inside(opened: ComfyPage) -> None:
    outside = opened.page.evaluate(FOLD, ["TapAccelerate"])
    set_widget_of = """seed => { for (const { widgets } of app.canvas.graph.nodes) for (const widget of widgets ?? [])
        if (widget.name === 'seed') widget.value = seed; }"""
    opened.page.evaluate(set_widget_of, 72)
    opened.run()
    strips = opened.page.locator(".tap-run")
    opened.until(lambda: strips.filter(visible=True).count() == 1, "a strip on the subgraph")
    opened.until(lambda: set(marks(opened, outside)) == {"f", "s"}, "the run inside")
    assert "faster" in line(opened, outside)
    opened.show(outside)
    assert opened.holds_element(outside)
