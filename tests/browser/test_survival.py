"""The viewer after everything that happens to a node: reloads, copies, subgraphs, other sizes, broken files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from browser_graph import ACCELERATE, REPORT, VIEWER, viewed_prompt
from browser_page import ComfyPage

# The lowest contrast of text that people can read (WCAG 2, AA).
LEAST_CONTRAST = 4.5
CONTRASTS = """id => {
    const root = document.getElementById(`tap-on-${id}`), back = getComputedStyle(root).backgroundColor;
    const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const light = text => text.match(/[\\d.]+/g).slice(0, 3)
        .reduce((sum, v, i) => sum + linear(v / 255) * [.2126, .7152, .0722][i], 0);
    return ['.tap-readout', '.tap-words', '.tap-label', '.tap-share', 'button'].map(part => {
        const colour = getComputedStyle(root.querySelector(part)).color;
        const [more, less] = [light(colour), light(back)].sort((a, b) => b - a);
        return [part, (more + .05) / (less + .05)];
    });
}"""
# For each part of the viewer: name, top, bottom, right, the viewer's own size, and how much is cut off.
PLACES = """id => {
    const root = document.getElementById(`tap-on-${id}`), layout = root.querySelector('.tap-layout');
    return [...layout.children].filter(part => part.offsetHeight).map(part => [part.className,
        part.offsetTop, part.offsetTop + part.offsetHeight, part.offsetLeft + part.offsetWidth,
        layout.clientWidth, root.clientHeight, part.scrollWidth - part.clientWidth]);
}"""


@pytest.fixture(scope="module")
def viewed(comfy: ComfyPage) -> ComfyPage:
    """A run is over, and its viewer shows a chosen step and layer."""
    comfy.load(viewed_prompt(seed=41, steps=10))
    comfy.run()
    comfy.show(VIEWER)
    comfy.until(lambda: shown(comfy), "the map")
    comfy.element(VIEWER, " button[value=horizon]").click()
    comfy.element(VIEWER, " .tap-steps").focus()
    comfy.page.keyboard.press("Home")
    for _ in range(4):
        comfy.page.keyboard.press("ArrowRight")
    comfy.until(lambda: shown(comfy)[1:3] == ["horizon", "4"], "step 5, horizon")
    return comfy


def shown(comfy: ComfyPage, node: int = VIEWER) -> list[str]:
    """Run, layer, step and frame that are on the stage; empty if there is none."""
    return (comfy.element(node, "").get_attribute("data-shown") or "").split()


def sentence(comfy: ComfyPage) -> str:
    """The sentence in place of the map."""
    return comfy.element(VIEWER, " .tap-message").text_content()


def refetch(comfy: ComfyPage) -> None:
    """Opens the same workflow again, so that the viewer fetches its files anew."""
    comfy.page.evaluate("() => app.loadGraphData(app.canvas.graph.serialize())")
    comfy.show(VIEWER)


def test_a_refresh_brings_back_what_was_shown(viewed: ComfyPage) -> None:
    before = shown(viewed)
    viewed.reload()
    viewed.show(VIEWER)
    viewed.until(lambda: shown(viewed) == before, "the same map")


def test_the_workflow_opened_again_shows_the_same(viewed: ComfyPage) -> None:
    before = shown(viewed)
    refetch(viewed)
    viewed.until(lambda: shown(viewed) == before, "the same map")


def test_a_copy_shows_the_same_and_is_independent(viewed: ComfyPage) -> None:
    before = shown(viewed)
    copy = viewed.page.evaluate(
        """id => {
            const { canvas } = app;
            canvas.selectNode(canvas.graph.getNodeById(id));
            canvas.copyToClipboard();
            canvas.pasteFromClipboard({ position: [2000, 0] });
            return Object.values(canvas.selected_nodes)[0].id;
        }""",
        VIEWER,
    )
    assert int(copy) != VIEWER
    viewed.show(copy)
    viewed.until(lambda: shown(viewed, copy) == before, "the same map on the copy")
    viewed.element(copy, " button[value=loss]").click()
    viewed.until(lambda: shown(viewed, copy)[1] == "loss", "loss on the copy")
    viewed.show(VIEWER)
    assert shown(viewed) == before
    viewed.page.evaluate("id => app.canvas.graph.remove(app.canvas.graph.getNodeById(id))", copy)


def cut_short(route: Route) -> None:
    """Half of the file arrives."""
    answer = route.fetch()
    body = answer.body()
    # Without the headers of the whole file.
    route.fulfill(status=200, body=body[: len(body) // 2], content_type="application/octet-stream")


def of_another_run(route: Route) -> None:
    """The document says that it is another one's."""
    document = {**route.fetch().json(), "run": "another"}
    route.fulfill(status=200, body=json.dumps(document))


def of_another_kind(route: Route) -> None:
    """Some other JSON."""
    route.fulfill(status=200, body="[1, 2, 3]")


@pytest.mark.parametrize(("files", "change", "words"), [
    (r"/view\?.*horizon\.png", cut_short, "cut short"),
    (r"/view\?.*\.json", cut_short, "cut short"),
    (r"/view\?.*\.json", of_another_run, "another run"),
    (r"/view\?.*\.json", of_another_kind, "not a choice map"),
])
def test_a_bad_file_gives_a_sentence(
    viewed: ComfyPage, files: str, change: Callable[[Route], None], words: str
) -> None:
    page: Page = viewed.page
    page.route(re.compile(files), change)
    refetch(viewed)
    viewed.until(lambda: words in sentence(viewed), words)
    page.unroute(re.compile(files))
    refetch(viewed)
    viewed.until(lambda: shown(viewed), "the map again")
    assert sentence(viewed) == ""


def test_files_that_are_gone_give_a_sentence(viewed: ComfyPage) -> None:
    page: Page = viewed.page
    page.route(re.compile(r"/view\?"), lambda route: route.fulfill(status=404))
    refetch(viewed)
    viewed.until(lambda: "temp folder" in sentence(viewed), "the sentence")
    page.unroute(re.compile(r"/view\?"))
    assert viewed.complaints and all(said.startswith("404 ") for said in viewed.complaints)
    viewed.complaints.clear()


def test_an_unknown_layer_gives_a_sentence_and_the_others_stay(viewed: ComfyPage) -> None:
    viewed.page.evaluate(
        "id => { app.canvas.graph.getNodeById(id).properties.tap_choice_map.view.layer = 'mood'; }", VIEWER
    )
    refetch(viewed)
    viewed.until(lambda: 'no layer "mood"' in sentence(viewed), "the sentence")
    viewed.element(VIEWER, " button[value=order]").click()
    viewed.until(lambda: shown(viewed)[1:2] == ["order"], "order")
    assert sentence(viewed) == ""


def test_a_run_of_another_size_and_length_is_shown(viewed: ComfyPage) -> None:
    before = shown(viewed)
    viewed.element(VIEWER, " .tap-steps").focus()
    viewed.page.keyboard.press("End")
    viewed.page.evaluate(
        """() => {
            const widget = (kind, name) => app.canvas.graph.nodes.find(node => node.comfyClass === kind)
                .widgets.find(found => found.name === name);
            widget('EmptySD3LatentImage', 'width').value = 192;
            widget('KSampler', 'steps').value = 7;
        }"""
    )
    viewed.run()
    viewed.until(lambda: shown(viewed)[:1] not in ([], before[:1]), "the new run")
    assert int(shown(viewed)[2]) < 7
    assert viewed.element(VIEWER, " .tap-steps").get_attribute("aria-valuemax") == "7"
    shape = viewed.page.evaluate(
        "async ref => (await (await fetch(`/view?${new URLSearchParams(ref)}`)).json()).grid",
        viewed.outputs(VIEWER)["tap_choice_map"][0],
    )
    assert shape == [1, 8, 12]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_read_in_both_themes(viewed: ComfyPage, theme: str) -> None:
    viewed.set("Comfy.ColorPalette", theme)
    viewed.show(VIEWER)
    contrasts = viewed.page.evaluate(CONTRASTS, VIEWER)
    assert [found for found in contrasts if found[1] < LEAST_CONTRAST] == []
    viewed.set("Comfy.ColorPalette", "dark")


def test_at_twice_the_size_nothing_overlaps_or_is_cut_off(viewed: ComfyPage) -> None:
    """At 200 %, a browser's window has half as many pixels."""
    page: Page = viewed.page
    page.set_viewport_size({"width": 640, "height": 480})
    viewed.page.evaluate("id => { app.canvas.graph.getNodeById(id).setSize([440, 640]); }", VIEWER)
    viewed.page.evaluate("id => app.canvas.ds.scale = 1", VIEWER)
    viewed.settle()
    parts = viewed.page.evaluate(PLACES, VIEWER)
    for (name, _, bottom, right, width, height, beyond), after in zip(parts, [*parts[1:], None], strict=True):
        assert right <= width and bottom <= height and beyond <= 1, name
        assert after is None or bottom <= after[1], f"{name} over {after[0]}"
    page.set_viewport_size({"width": 1280, "height": 960})


def marks_of(report: dict) -> str:
    """The strip of a run, by its report."""
    return "".join("f" if step in report["full_steps"] else "s" for step in range(report["steps"]))


def marks_within(comfy: ComfyPage, accelerate: int) -> str:
    """The strip of the node that is in view in a subgraph."""
    comfy.show(accelerate)
    strip = comfy.element(accelerate, "")
    comfy.until(lambda: "." not in (strip.get_attribute("data-marks") or "."), "the strip's marks")
    return strip.get_attribute("data-marks")


def test_within_a_subgraph_strip_and_viewer_show_the_run(viewed: ComfyPage) -> None:
    host = viewed.page.evaluate(
        """ids => {
            const { canvas } = app, graph = canvas.graph;
            const { node } = graph.convertToSubgraph(new Set(ids.map(id => graph.getNodeById(id))));
            for (const found of graph.nodes) for (const widget of found.widgets ?? [])
                if (widget.name === 'seed') widget.value += 1;
            return node.id;
        }""",
        [ACCELERATE, VIEWER],
    )
    viewed.run()
    output = viewed.history()[-1]["outputs"]
    inside = next(name for name in output if "tap_choice_map" in output[name])
    assert inside.startswith(f"{host}:")
    viewed.page.evaluate("id => app.canvas.setGraph(app.canvas.graph.getNodeById(id).subgraph)", host)
    viewed.settle()
    viewer, accelerate = (
        viewed.page.evaluate("kind => app.canvas.graph.nodes.find(node => node.comfyClass === kind).id", kind)
        for kind in ("TapChoiceMapViewer", "TapAccelerate")
    )
    viewed.show(viewer)
    run = output[inside]["tap_choice_map"][0]["filename"].removesuffix(".json")
    viewed.until(lambda: shown(viewed, viewer)[:1] == [run], "the run in the subgraph")
    assert marks_within(viewed, accelerate) == marks_of(viewed.report(REPORT))
    viewed.reload()
    viewed.page.evaluate("id => app.canvas.setGraph(app.rootGraph.getNodeById(id).subgraph)", host)
    viewed.show(viewer)
    viewed.until(lambda: shown(viewed, viewer)[:1] == [run], "the run in the subgraph after a refresh")
