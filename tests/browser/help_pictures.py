"""Takes the pictures of README and of the help pages anew: `python3 tests/run.py tests/browser/help_pictures.py`.

What a person sees in the real frontend after a template has run. No test: the suite does not collect this file.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from tap_pack.demo.launch.prompts import SAMPLER, node, stock_prompt, tap_prompt
from tap_pack.demo.launch.server import Server

from browser_graph import OF_KIND, OPEN, numbered
from browser_page import ComfyPage, opened_page

COMPARE, WATCH = "02 Compare speed and picture, no download", "03 Watch the cache choose, no download"
CALIBRATE = "04 Calibrate once, no download"
# Template -> node class -> the picture of its help page.
PICTURES = {
    COMPARE: {"TapCompare": "compare", "TapAccelerate": "accelerate"},
    WATCH: {"TapChoiceMapViewer": "viewer", "TapChoiceMap": "choice_map", "TapDemoScene": "scene"},
    CALIBRATE: {"TapMeasureRun": "measure", "TapCalibrate": "calibrate", "TapPlacement": "placement"},
}
# Nodes of no such template: what is set on them. They need no run.
ALONE = {
    "schedule": ("TapSchedule", {"schedule": "EasyCache"}),
    "method": ("TapMethod", {"method": "TaylorSeer"}),
    "pool": ("TapPredictorPool", {"hicache": True}),
}
ADD = """([kind, values]) => {
    app.graph.clear();
    const node = LiteGraph.createNode(kind);
    app.graph.add(node);
    for (const [name, value] of Object.entries(values)) {
        const widget = node.widgets.find(widget => widget.name === name);
        widget.value = value;
        widget.callback?.(value);
    }
    node.setSize([340, node.computeSize()[1]]);
}"""
# Room for what these show.
SIZES = {"TapMeasureRun": [300, 90], "TapChoiceMap": [480, 680], "TapCalibrate": [440, 560], "TapPlacement": [360, 400],
         "TapReport": [640, 520], "TapFitTables": [420, 260]}
# In its room a node stands away from all others, and shows one of its pictures.
ROOM = """([id, size]) => {
    const node = app.canvas.graph.getNodeById(id);
    node.pos = [9000, 1000 * id];
    node.setSize(size);
    if (node.imgs?.length > 1) node.imageIndex = Math.floor(node.imgs.length / 2);
}"""
TEXTS = {"TapReport": "report", "TapFitTables": "fit_tables"}
QUALITY = 88
# Milliseconds between pictures of a node that runs.
FRAME = 500
# Around a node, so that its border and title are in the picture; the title stands above its place.
MARGIN, TITLE = 6, 30
EDGES = "id => [0, 0, ...app.canvas.graph.getNodeById(id).size]"


def taken(page: ComfyPage, clip: dict[str, float] | None = None) -> Image.Image:
    """What the window shows."""
    return Image.open(io.BytesIO(page.page.screenshot(clip=clip))).convert("RGB")


def node_taken(page: ComfyPage, kind: str, wait: int = 1500) -> Image.Image:
    """A node, with its title, some milliseconds after it was brought into view."""
    number = page.page.evaluate(OF_KIND, kind)
    if kind in SIZES:
        page.page.evaluate(ROOM, [number, SIZES[kind]])
    page.show(number)
    page.page.mouse.move(5, 500)
    page.page.wait_for_timeout(wait)
    left, top, right, bottom = page.page.evaluate(EDGES, number)
    (x, y), (end_x, end_y) = page.place(number, left, top - TITLE), page.place(number, right, bottom)
    clip = {"x": x - MARGIN, "y": y - MARGIN, "width": end_x - x + 2 * MARGIN, "height": end_y - y + 2 * MARGIN}
    return taken(page, clip)


def opened(page: ComfyPage, template: str) -> None:
    """A template that has run."""
    page.page.evaluate(OPEN, template)
    page.page.wait_for_timeout(2000)
    page.run()
    page.page.wait_for_timeout(3000)


@pytest.mark.parametrize("template", PICTURES)
def test_help_pages(comfy: ComfyPage, repository: Path, template: str) -> None:
    if comfy.vue:
        pytest.skip("The help pages show the classic renderer.")
    opened(comfy, template)
    for kind, name in PICTURES[template].items():
        node_taken(comfy, kind).save(repository / "web" / "docs" / f"{name}.jpg", quality=QUALITY)


@pytest.mark.parametrize("name", ALONE)
def test_help_pages_of_nodes_that_need_no_run(comfy: ComfyPage, repository: Path, name: str) -> None:
    if comfy.vue:
        pytest.skip("The help pages show the classic renderer.")
    kind, values = ALONE[name]
    comfy.page.evaluate(ADD, [kind, values])
    node_taken(comfy, kind).save(repository / "web" / "docs" / f"{name}.jpg", quality=QUALITY)


def test_help_pages_of_texts(comfy: ComfyPage, repository: Path) -> None:
    if comfy.vue:
        pytest.skip("The help pages show the classic renderer.")
    comfy.load(with_texts())
    comfy.run()
    comfy.page.wait_for_timeout(1000)
    for kind, name in TEXTS.items():
        node_taken(comfy, kind).save(repository / "web" / "docs" / f"{name}.jpg", quality=QUALITY)


def with_texts() -> dict:
    """A run with its report, and a measured run with the numbers that are fitted to it."""
    prompt = tap_prompt(seed=7)
    prompt["report"] = node("TapReport", record=["tap", 1], after=["decode", 0])
    prompt["measure"] = node("TapMeasureRun", model=["model", 0], target="residual")
    sampling = stock_prompt(seed=7, steps=20)[SAMPLER]["inputs"]
    prompt["measured"] = node("KSampler", **{**sampling, "model": ["measure", 0]})
    prompt["fitted"] = node("TapFitTables", trace=["measure", 1], after=["measured", 0], method="TeaCache")
    return numbered(prompt)


def test_the_strip_moves(browser: object, browser_server: Server, repository: Path) -> None:
    """The node while it runs, a picture every half second, and its last state for three seconds."""
    with opened_page(browser, browser_server, vue=False) as page:
        page.page.evaluate(OPEN, WATCH)
        page.page.wait_for_timeout(2000)
        frames, ended = [node_taken(page, "TapAccelerate")], page.finished()
        page.page.evaluate("() => app.queuePrompt(0, 1)")
        while page.finished() == ended:
            frames.append(node_taken(page, "TapAccelerate", wait=FRAME))
        frames.append(node_taken(page, "TapAccelerate"))
    size = max(frame.size for frame in frames)
    first, *others = [frame.resize(size) for frame in frames]
    times = [FRAME] * len(others) + [3000]
    first.save(repository / "demo" / "images" / "strip.webp", save_all=True, append_images=others, duration=times,
               loop=0, quality=80)


def test_first_minutes(browser: object, browser_server: Server, repository: Path) -> None:
    for vue, name in ((False, "classic"), (True, "nodes2")):
        with opened_page(browser, browser_server, vue) as page:
            opened(page, COMPARE)
            picture = taken(page)
            picture.thumbnail((960, 720))
            picture.save(repository / "demo" / "images" / f"first_minutes_{name}.jpg", quality=QUALITY)
