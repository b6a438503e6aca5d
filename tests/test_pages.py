"""Pages lead where they say, a stranger finds the two commands first, and the registry gets what it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from tap_pack.demo.templates.signs import draw_icon

ROOT = Path(__file__).resolve().parents[1]
# Help pages stand on another root in the browser; tests/test_locales.py looks after them.
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "WORDS.md",
                *(page for room in ("bench", "demo", "nodes", "tap_core", "tests")
                  for page in (ROOT / room).rglob("*.md"))})
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What shows without scrolling.
FIRST_SCREEN = 24


def anchors(page: Path) -> set[str]:
    """The names of the headings, as links have them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


def dead(page: Path, link: str) -> bool:
    """Whether a link to a file, or to a heading, leads nowhere."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("http") and dead(page, link)] == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = ROOT / "README.md"
    assert not dead(page, "bench/README.md#five-findings") and not dead(page, "#use") and not dead(page, "demo")
    assert dead(page, "bench/README.md#six-findings") and dead(page, "bench/NONE.md")


def test_both_commands_are_on_the_first_screen() -> None:
    screen = "\n".join(README.splitlines()[:FIRST_SCREEN])
    commands = re.findall(r"^```\n(.+?)\n```$", screen, re.MULTILINE)
    assert commands == ["python3 demo/run.py --serve", "git clone . /path/to/ComfyUI/custom_nodes/tap-accelerate"]


def test_the_first_page_and_the_registry_name_no_address_that_is_not_the_packs_own() -> None:
    metadata = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (own,) = re.findall(r'^Repository = "(.+)"$', metadata, re.MULTILINE) or ["no address yet"]
    addresses = re.findall(r"https?://[^\s)\"'>]+", README + metadata)
    assert [a for a in addresses if not a.startswith((own, "https://arxiv.org/abs/"))] == []
    # As soon as the pack has an address, these have one.
    for name in ("Documentation", '"Bug Tracker"', "Icon", "Banner"):
        assert (f"\n{name} = " in metadata) == (own in metadata), name


def test_icon_and_banner_have_the_shapes_that_the_registry_takes() -> None:
    with Image.open(ROOT / "demo" / "images" / "icon.png") as icon:
        assert icon.width == icon.height <= 400
        # `python3 demo/write_templates.py` writes it.
        assert ImageChops.difference(icon, draw_icon()).getbbox() is None
    with Image.open(ROOT / "demo" / "images" / "banner.png") as banner:
        assert banner.width * 9 == banner.height * 21
