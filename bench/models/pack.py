"""The pack, importable as `tap_pack` beside ComfyUI."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from figures.places import ROOT


def load_pack(cpu: bool = True) -> None:
    """Makes ComfyUI importable, and the repository as `tap_pack`, for any name of its folder; once a process.

    cpu: whether ComfyUI leaves a graphics card alone; the demo model is too small for one.
    """
    if "tap_pack" in sys.modules:
        return
    # Our `nodes/` would hide ComfyUI's `nodes.py`.
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != ROOT]
    sys.path.insert(0, os.environ.get("COMFYUI_PATH", str(ROOT / ".comfyui")))
    import comfy.cli_args

    comfy.cli_args.args.cpu = cpu
    comfy.cli_args.args.use_pytorch_cross_attention = True
    spec = importlib.util.spec_from_file_location("tap_pack", ROOT / "__init__.py")
    sys.modules["tap_pack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["tap_pack"])
