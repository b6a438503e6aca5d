"""A newer front end than the one that ComfyUI's requirements pin, in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from .prepare import ROOT
from .run_pip import run_pip
from .status_line import StatusLine

NEWEST = "1.58.1"


def prepare_front_end(python: Path, version: str = NEWEST, root: Path = ROOT) -> Path:
    """The folder for ComfyUI's `--front-end-root`; downloaded once, by the pip of this Python."""
    folder = root / f".comfyui-front-end-{version}"
    if not folder.is_dir():
        half = folder.with_name(folder.name + ".half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        status = StatusLine()
        wanted = f"comfyui-frontend-package=={version}"
        run_pip(python, ["install", "--no-deps", "--target", str(half), wanted], half / "pip.log", status)
        half.rename(folder)
        status.end("ready")
    return folder / "comfyui_frontend_package" / "static"
