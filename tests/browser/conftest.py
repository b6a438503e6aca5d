"""One real server, and a real browser with the frontend that ComfyUI pins."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tap_pack.demo.launch.front_end import prepare_front_end
from tap_pack.demo.launch.server import Server, running_server

from browser_page import ComfyPage, opened_page

NAMES = ("chromium", "chromium-browser", "google-chrome")
SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False, "Comfy.Workflow.Persist": True}


@pytest.fixture(scope="session")
def browser_server(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running server, with the settings of a user who has seen the tutorial."""
    base = user_folder(tmp_path_factory.mktemp("browser"))
    with running_server(comfyui, repository, base, options=["--cpu"]) as server:
        yield server


def user_folder(base: Path) -> Path:
    """A ComfyUI folder with the settings of a user who has seen the tutorial."""
    user = base / "user" / "default"
    user.mkdir(parents=True)
    (user / "comfy.settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return base


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
    with opened_page(browser, browser_server, vue=request.param == "nodes2") as page:
        yield page


@pytest.fixture(scope="module")
def newest_server(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running server with the newest frontend, as a person can ask for it."""
    base = user_folder(tmp_path_factory.mktemp("newest"))
    options = ["--cpu", "--front-end-root", str(prepare_front_end(Path(sys.executable)))]
    with running_server(comfyui, repository, base, options=options) as server:
        yield server


@pytest.fixture(scope="module", params=["browser_server", "newest_server"], ids=["pinned", "newest"])
def newcomer(request: pytest.FixtureRequest, browser: Browser) -> Iterator[ComfyPage]:
    """A page in the frontend that ComfyUI pins, and one in the newest."""
    with opened_page(browser, request.getfixturevalue(request.param), vue=False) as page:
        yield page
