"""Programs that the tests need in addition to Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tap_pack.demo.launch.problem import Problem
from tap_pack.demo.launch.system_tools import require_tools

TOOLS = {"chromium": ("chromium", "google-chrome"), "nodejs": ("node",)}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write_program(folder: Path, name: str, script: str = "") -> None:
    """A program that runs this script."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def test_nothing_is_installed_if_everything_is_there(programs: Path) -> None:
    write_program(programs, "google-chrome")
    write_program(programs, "node")
    write_program(programs, "apt-get", "exit 1")
    require_tools(TOOLS)


def test_what_is_missing_is_installed(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    write_program(programs, "node")
    write_program(programs, "apt-get", f'echo "$@" >> {programs}/asked')
    require_tools(TOOLS)
    asked = (programs / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == ["update", "install --yes --no-install-recommends chromium"]


@pytest.mark.parametrize(("user", "apt"), [(1000, True), (0, False)])
def test_without_the_right_to_install_the_missing_ones_are_named(
    programs: Path, monkeypatch: pytest.MonkeyPatch, user: int, apt: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if apt:
        write_program(programs, "apt-get")
    with pytest.raises(Problem, match="chromium and nodejs cannot be found"):
        require_tools(TOOLS)


def test_an_installation_that_fails_says_so(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    write_program(programs, "apt-get", "echo 'E: no such package' >&2; exit 100")
    with pytest.raises(Problem, match="E: no such package"):
        require_tools(TOOLS)
