"""Loads the pack as `tap_pack`, as ComfyUI would, and makes ComfyUI importable, on the CPU."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from pathlib import Path

import hypothesis
import pytest

from usable_cores import usable_cores

ROOT = Path(__file__).resolve().parents[1]
COMFYUI = Path(os.environ.get("COMFYUI_PATH") or ROOT / ".comfyui").resolve()

# More threads than free cores wait for each other. Half of the processors is a safe number, and parallel workers share
# them. Servers that tests start have the same number.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "2"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // max(WORKERS, 2))))

# Workers take one file after the other. A long one that is taken last keeps one worker busy while the others wait.
LONGEST = ("matrix", "browser", "server", "bench", "bridge/adapters", "setup", "demo", "nodes")

# A slow machine is no fault: what Hypothesis tries may take as long as it takes.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# Our `nodes/` would hide ComfyUI's `nodes.py`, so the repository root must never be importable.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != ROOT]
sys.path.insert(0, str(COMFYUI))

import comfy.cli_args  # noqa: E402  ComfyUI must be on the path first
import torch  # noqa: E402  after OMP_NUM_THREADS

# comfy.model_management reads them when it is imported, so they are set before any test.
comfy.cli_args.args.cpu = True
comfy.cli_args.args.use_pytorch_cross_attention = True
# Models this tiny are only slower with more threads.
torch.set_num_threads(1)


def load_pack() -> None:
    """Makes `import tap_pack` give the repository, with any folder name."""
    spec = importlib.util.spec_from_file_location("tap_pack", ROOT / "__init__.py")
    sys.modules["tap_pack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["tap_pack"])


load_pack()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first."""
    folders = [ROOT / "tests" / name for name in LONGEST]
    items.sort(key=lambda item: next((i for i, at in enumerate(folders) if item.path.is_relative_to(at)), len(folders)))


# A collection over the modules of a compiler takes as long as a short run.
MANY_MODULES = 50


def pytest_collection_finish() -> None:
    """Takes all that was imported out of the garbage collection, which ComfyUI does before many runs."""
    gc.collect()
    gc.freeze()
    pytest_collection_finish.modules = len(sys.modules)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Does the same with what a test has imported."""
    if len(sys.modules) > pytest_collection_finish.modules + MANY_MODULES:
        pytest_collection_finish()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """The folder of the ComfyUI under test."""
    return COMFYUI
