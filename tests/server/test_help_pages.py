"""Help pages and translations where ComfyUI's frontend asks for them."""

from __future__ import annotations

import urllib.error

import pytest
from tap_pack.demo.launch.server import LOCAL
from tap_pack.nodes import NODES

from served_pack import ServedPack

DOCS = "/extensions/tap-accelerate/docs"
IDS = [node.GET_SCHEMA().node_id for node in NODES]


def fetched(served: ServedPack, path: str) -> tuple[str, bytes]:
    """Content type and body."""
    with LOCAL.open(served.server.url + path, timeout=30) as answer:
        return answer.headers["content-type"], answer.read()


@pytest.mark.parametrize("name", IDS)
def test_pages_are_served_in_both_languages(name: str, served: ServedPack) -> None:
    for path in (f"{DOCS}/{name}.md", f"{DOCS}/{name}/zh.md"):
        kind, body = fetched(served, path)
        # The frontend reads an HTML answer as a missing page.
        assert "text/html" not in kind
        assert body.decode("utf-8").startswith("# TAP ")


def test_a_language_without_a_page_is_missing_so_that_the_english_one_is_shown(served: ServedPack) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        fetched(served, f"{DOCS}/TapAccelerate/fr.md")
    assert missing.value.code == 404


def test_pictures_are_next_to_the_pages(served: ServedPack) -> None:
    kind, body = fetched(served, f"{DOCS}/compare.jpg")
    assert kind == "image/jpeg"
    assert len(body) > 5000


def test_translations_reach_the_frontend(served: ServedPack) -> None:
    found = served.server.get("/i18n")
    assert set(IDS) <= set(found["zh"]["nodeDefs"]) and set(IDS) <= set(found["en"]["nodeDefs"])
    assert found["zh"]["nodeDefs"]["TapCompare"]["display_name"] == "TAP 比较"
    assert set(found["zh"]["settings"]) == set(found["en"]["settings"])
