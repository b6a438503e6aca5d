"""Real ComfyUI servers for the tests here: one with only this pack, one that also has tiny models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tap_pack.demo.launch.server import PACK_FOLDER, running_server

from served_pack import ServedPack

TINY_PACK = "tiny_pack"
# ComfyUI's old cache forgets what the last prompt did not use: the same prompt is then run again later. On the CPU,
# equal results are equal bit for bit.
OPTIONS = ["--cpu", "--cache-classic"]


@pytest.fixture(scope="session")
def served(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPack]:
    """A running server that knows only this pack."""
    base = tmp_path_factory.mktemp("comfyui")
    with running_server(comfyui, repository, base, options=OPTIONS) as server:
        yield ServedPack(server, base, server.get("/object_info"))


@pytest.fixture(scope="module")
def tiny_served(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPack]:
    """A running server that also has tiny models of many kinds, from a pack that is only for tests."""
    base = tmp_path_factory.mktemp("tiny")
    folder = base / "custom_nodes" / TINY_PACK
    folder.mkdir(parents=True)
    pack = repository / "tests" / "server" / TINY_PACK
    (folder / "__init__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(pack.parent)!r})\nfrom {TINY_PACK} import comfy_entrypoint\n",
        encoding="utf-8")
    options = [*OPTIONS, "--whitelist-custom-nodes", PACK_FOLDER, TINY_PACK]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        # With an arena for each thread, what the C library keeps for later varies by tens of megabytes.
        patch.setenv("MALLOC_ARENA_MAX", "1")
        server = stack.enter_context(running_server(comfyui, repository, base, options=options))
        yield ServedPack(server, base, server.get("/object_info"))
