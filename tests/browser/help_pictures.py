"""Takes the pictures of README and of the help pages anew: `python3 tests/run.py tests/browser/help_pictures.py`.

What a person sees in the real frontend after a template has run. No test: the suite does not collect this file.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from tap_pack.demo.launch.server import Server

from browser_graph import OF_KIND, OPEN
from browser_page import ComfyPage, opened_page

COMPARE, WATCH = "02 Compare speed and picture, no download", "03 Watch the cache choose, no download"
# Template -> node class -> the picture of its help page.
PICTURES = {
    COMPARE: {"TapCompare": "compare", "TapAccelerate": "accelerate"},
    WATCH: {"TapChoiceMapViewer": "viewer"},
}
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
