"""Makes the virtual environment of the repository and tells what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .problem import NO_SPACE, Problem
from .python_version import version_complaint
from .run_pip import FULL_DISK

STAMP = "tap-setup.json"


def python_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv(folder: Path) -> Path:
    """Makes the environment, if it is not there with a working pip; returns its interpreter."""
    python = python_in(folder)
    if has_pip(python):
        return python
    if complaint := version_complaint(sys.version_info):
        raise Problem(complaint)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True, errors="replace"
    )
    if made.returncode:
        raise Problem(explain_venv_failure(made.stdout + made.stderr))
    return python


def has_pip(python: Path) -> bool:
    """Whether this interpreter starts and has pip."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0


def explain_venv_failure(output: str) -> str:
    """What went wrong, from the output of the venv module."""
    if FULL_DISK.search(output):
        return NO_SPACE
    if "ensurepip" in output:
        return (
            "This Python has no ensurepip, so it cannot make a virtual environment: install it (on Debian and Ubuntu "
            f"the package python{sys.version_info[0]}.{sys.version_info[1]}-venv), then run the same command again."
        )
    return f"The virtual environment could not be made: {output.strip().rpartition(chr(10))[2]}"


def holds_torch(folder: Path) -> bool:
    """Whether the largest part of the set-up is already there."""
    return any(folder.glob("lib/python3*/site-packages/torch/version.py")) or any(
        folder.glob("Lib/site-packages/torch/version.py")
    )


def read_stamp(folder: Path) -> set[str]:
    """The requirements that a completed set-up has installed."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return set(stamp["requirements"])


def write_stamp(folder: Path, requirements: Iterable[str]) -> None:
    """Notes that these requirements are installed. The file is replaced in one step, so it is never half-written."""
    half = folder / (STAMP + ".half")
    half.write_text(json.dumps({"requirements": sorted(requirements)}, indent=1), encoding="utf-8")
    half.replace(folder / STAMP)
