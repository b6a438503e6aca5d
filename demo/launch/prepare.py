"""Makes everything that a command needs: a Python environment and a ComfyUI, both in the repository folder."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from . import broken_packages
from .comfyui_source import fetch_comfyui, version_of
from .problem import Problem
from .run_pip import run_pip
from .status_line import StatusLine
from .virtual_env import has_pip, holds_torch, make_venv, python_in, read_stamp, write_stamp

ROOT = Path(__file__).resolve().parents[2]
COMFYUI_VERSION = "0.30.0"
# Newer releases of torch have no matching torchaudio, and ComfyUI does not start without it.
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
NEEDED_GB = 7


@dataclass(frozen=True)
class Place:
    """A ComfyUI folder and the interpreter that runs it."""

    python: Path
    comfyui: Path


def prepare(extras: Sequence[str] = (), version: str = COMFYUI_VERSION, root: Path = ROOT) -> Place:
    """The ComfyUI that COMFYUI_PATH names; if it is not set, one of this version in the repository folder."""
    named = os.environ.get("COMFYUI_PATH")
    if named:
        return use_installed(Path(named).expanduser().resolve(), read_extras(extras, root))
    suffix = "" if version == COMFYUI_VERSION else f"-{version}"
    venv, comfyui = root / f".venv{suffix}", root / f".comfyui{suffix}"
    extra = read_extras(extras, root)
    if not is_ready(venv, comfyui, version, extra):
        set_up(venv, comfyui, version, extra)
    return Place(python_in(venv), comfyui)


def is_ready(venv: Path, comfyui: Path, version: str, extra: Sequence[str]) -> bool:
    """Whether an earlier set-up was completed here, and its Python still starts."""
    wanted = requirements_of(comfyui, extra)
    return version_of(comfyui) == version and read_stamp(venv).issuperset(wanted) and has_pip(python_in(venv))


def set_up(venv: Path, comfyui: Path, version: str, extra: Sequence[str]) -> None:
    """Does the parts that are still missing."""
    check_space(venv)
    print(f"Setting up ComfyUI {version} in {comfyui.parent} (about 6 GB, a few minutes, once)", flush=True)
    status = StatusLine()
    status.show("making the Python environment")
    python = make_venv(venv)
    log = venv / "tap-setup.log"
    fetch_comfyui(comfyui, version, python, log, status)
    wanted = requirements_of(comfyui, extra)
    run_pip(python, ["install", *wanted], log, status)
    repair(python, log, status)
    write_stamp(venv, {*read_stamp(venv), *wanted})
    status.end("ready")


def check_space(venv: Path) -> None:
    """Raises Problem before the large downloads if the disk has no space for them."""
    free = shutil.disk_usage(venv.parent).free / 1e9
    if free < NEEDED_GB and not holds_torch(venv):
        raise Problem(
            f"{free:.1f} GB are free on the disk of {venv.parent}, and the set-up needs {NEEDED_GB} GB. "
            "Free some, or let COMFYUI_PATH name a ComfyUI that is installed already."
        )


def repair(python: Path, log: Path, status: StatusLine) -> None:
    """Installs packages again if an earlier set-up was killed and left them without some of their files."""
    status.show("looking for missing files")
    script = [str(python), broken_packages.__file__]
    broken = subprocess.run(script, capture_output=True, text=True, check=True).stdout.split()
    if broken:
        run_pip(python, ["install", "--no-deps", "--force-reinstall", *broken], log, status)


def requirements_of(comfyui: Path, extra: Iterable[str]) -> list[str]:
    """Everything to install: torch, the requirements of ComfyUI, and those of the command."""
    file = comfyui / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    asked = [line.partition("#")[0].strip() for line in lines]
    return [*TORCH, *filter(None, asked), *extra]


def read_extras(names: Iterable[str], root: Path) -> list[str]:
    """The requirements of these extras in pyproject.toml, read as Python lists: Python 3.10 has no TOML reader."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    lists = [re.search(rf"^{re.escape(name)} = (\[.*?\])\s*$", text, re.MULTILINE | re.DOTALL)[1] for name in names]
    return [requirement for found in lists for requirement in ast.literal_eval(found)]


def use_installed(comfyui: Path, extra: Sequence[str]) -> Place:
    """An installed ComfyUI and the running Python. Raises Problem if they cannot work together."""
    if not version_of(comfyui):
        raise Problem(f"COMFYUI_PATH is {comfyui}, and there is no ComfyUI: it must be the folder with main.py in it.")
    names = ["torch", "aiohttp", "tqdm", *(re.split(r"[^\w-]", requirement)[0] for requirement in extra)]
    missing = [name for name in names if not is_installed(name)]
    if missing:
        raise Problem(
            f"COMFYUI_PATH is set, so the Python that runs ComfyUI must run this command too: {sys.executable} has no "
            f"{', '.join(missing)}."
        )
    return Place(Path(sys.executable), comfyui)


def is_installed(name: str) -> bool:
    """Whether the running Python has a package of this name; its modules may have other names."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def hand_over(place: Place, arguments: Sequence[str]) -> int:
    """Runs a Python command in the place; COMFYUI_PATH tells it that the set-up is done."""
    environment = {**os.environ, "COMFYUI_PATH": str(place.comfyui)}
    command = [str(place.python), *arguments]
    if os.name == "posix":
        os.execve(command[0], command, environment)
    return subprocess.call(command, env=environment)
