"""Loads the pack as `tap_pack`, as ComfyUI would, and makes ComfyUI importable, on the CPU."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMFYUI = Path(os.environ.get("COMFYUI_PATH") or ROOT / ".comfyui").resolve()

# With more threads than free cores they wait for each other; half of the processors are never all taken, and workers
# beside each other share them out. Servers that tests start inherit it.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "2"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // max(WORKERS, 2))))

# Our `nodes/` would hide ComfyUI's `nodes.py`, so the repository root must never be importable.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != ROOT]
sys.path.insert(0, str(COMFYUI))

import comfy.cli_args  # noqa: E402  ComfyUI had to be put on the path first
import torch  # noqa: E402  after OMP_NUM_THREADS

# Read when comfy.model_management is imported, hence before any test is.
comfy.cli_args.args.cpu = True
comfy.cli_args.args.use_pytorch_cross_attention = True
# Models this tiny are only slower with more threads.
torch.set_num_threads(1)


def load_pack() -> None:
    """Makes `import tap_pack` give the repository, whatever its folder is called."""
    spec = importlib.util.spec_from_file_location("tap_pack", ROOT / "__init__.py")
    sys.modules["tap_pack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["tap_pack"])


load_pack()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """The folder of the ComfyUI under test."""
    return COMFYUI
