"""One real server, and a real browser with the frontend that ComfyUI pins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tap_pack.demo.launch.server import Server, running_server

from browser_page import ComfyPage
from waiting import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False, "Comfy.Workflow.Persist": True}
WINDOW = {"width": 1280, "height": 960}


@pytest.fixture(scope="session")
def browser_server(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running server, with the settings of a user who has seen the tutorial."""
    base = tmp_path_factory.mktemp("browser")
    user = base / "user" / "default"
    user.mkdir(parents=True)
    (user / "comfy.settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    with running_server(comfyui, repository, base, options=["--cpu"]) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with each file of tests: Playwright's event loop allows no other in its thread."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "Chromium is missing: install it (Debian: chromium), then run the tests again."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module", params=["classic", "nodes2"])
def comfy(request: pytest.FixtureRequest, browser: Browser, browser_server: Server) -> Iterator[ComfyPage]:
    """A page in each of the two renderers."""
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(1000 * PATIENCE)
    expect.set_options(timeout=1000 * PATIENCE)
    page = ComfyPage(context.new_page(), browser_server, vue=request.param == "nodes2")
    page.open()
    yield page
    context.close()
    assert page.complaints == []
