"""Stand-ins for the package index and for ComfyUI, to run a whole set-up in seconds and without a network."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from tap_pack.demo.launch import prepare as prepare_module

from package_shelf import write_carrier, write_wheel


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that replaces the package index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    forget_pip_settings(monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(prepare_module, "TORCH", ("tap_stand_in_torch==2.11.0",))
    write_carrier(folder)
    write_wheel(folder, "tap_stand_in", "1.5")
    return folder


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository folder with nothing set up, on a disk with space."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('tests = ["tap-stand-in-tool"]\n', encoding="utf-8")
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    # The stand-ins are small, so the disk of the machine decides nothing here.
    monkeypatch.setattr(prepare_module.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e12))
    return folder


def forget_pip_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes pip use only the settings of a test."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives pip a package index that refuses every connection."""
    forget_pip_settings(monkeypatch)
    # Port 9 is the discard service; no machine runs it today.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    # pip names the broken connection only when it tries again.
    monkeypatch.setenv("PIP_RETRIES", "1")
    # A proxy would answer in its place.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
