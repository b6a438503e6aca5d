"""One real ComfyUI server for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tap_pack.demo.launch.server import running_server

from served_pack import ServedPack


@pytest.fixture(scope="session")
def served(comfyui: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPack]:
    """The running server; on the CPU, so that equal can mean equal bit for bit."""
    base = tmp_path_factory.mktemp("comfyui")
    # ComfyUI's old cache forgets what the last prompt did not use: a prompt that comes back is then run again.
    with running_server(comfyui, repository, base, options=["--cpu", "--cache-classic"]) as server:
        yield ServedPack(server, base, server.get("/object_info"))
