"""The JSON files in bench/results: figures, and under which circumstances they were found."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path

from figures.places import RESULTS, ROOT

PACKAGES = ("torch", "numpy", "ray")


def write_results(
    name: str, arguments: Sequence[str], found: dict[str, object], folder: Path = RESULTS, part: str = ""
) -> Path:
    """Keep what `python3 bench/run.py NAME arguments` found; the file is replaced at once. part: in its own file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name}_{part}" if part else name
    file, half = folder / f"{stem}.json", folder / f"{stem}.json.half"
    half.write_text(json.dumps({**circumstances(name, arguments), **found}, indent=1) + "\n", encoding="utf-8")
    return half.replace(file)


def circumstances(name: str, arguments: Sequence[str]) -> dict[str, object]:
    """Command, date, machine and versions."""
    return {
        "command": shlex.join(["python3", "bench/run.py", name, *arguments]),
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
    }


def machine() -> dict[str, object]:
    """What it ran on, in words: no host name, no path."""
    import torch

    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
    }


def cpu_name() -> str:
    """The processor's model."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.M) if info.exists() else None
    return named[1] if named else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of Python, ComfyUI and the packages that may change the figures, if they are there."""
    found = {"python": platform.python_version()}
    stated = Path(os.environ.get("COMFYUI_PATH", ROOT / ".comfyui")) / "comfyui_version.py"
    if stated.exists():
        found["comfyui"] = re.search(r'"(.+?)"', stated.read_text(encoding="utf-8"))[1]
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
