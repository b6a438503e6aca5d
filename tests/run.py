"""Every test of the pack, in a real ComfyUI: `python3 tests/run.py [--comfyui VERSION] [pytest arguments]`.

With `--matrix`, only the tests of what can be plugged in; they give a table that also goes into
nodes/comfy_bridge/README.md.
"""

import argparse
import os
import sys
from pathlib import Path

# For the tests in the browser: Debian's packages, and the programs in them.
TOOLS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "nodejs": ("node",)}
# Each has its own ComfyUI in memory.
MOST_WORKERS = 4
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "demo"), str(ROOT / "tests" / "support")]


def main() -> int:
    """Does the set-up, then runs pytest in the Python that has ComfyUI's packages."""
    from launch.comfyui_source import CARRIERS
    from launch.front_end import prepare_front_end
    from launch.prepare import COMFYUI_VERSION, hand_over, prepare
    from launch.system_tools import require_tools

    # No abbreviations and no own help: all other options are pytest's.
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--comfyui", choices=CARRIERS, default=COMFYUI_VERSION)
    options.add_argument("--matrix", action="store_true")
    chosen, arguments = options.parse_known_args()
    require_tools(TOOLS)
    place = prepare(extras=["tests", "bench", "sweep", "metrics"], version=chosen.comfyui)
    prepare_front_end(place.python)
    # pytest reads its settings from the folder it is started in.
    os.chdir(ROOT)
    if chosen.matrix:
        arguments = ["tests/matrix", "--matrix", *arguments]
    arguments = arguments or all_at_once()
    return hand_over(place, ["-m", "pytest", *arguments])


def all_at_once() -> list[str]:
    """The options to run the whole suite on several processors; tests of one file share servers and stay together.

    Files keep the order of tests/conftest.py: xdist's own counts tests, and the longest files have few.
    """
    from usable_cores import usable_cores

    return ["-n", str(min(usable_cores(), MOST_WORKERS)), "--dist", "loadfile", "--no-loadscope-reorder"]


if __name__ == "__main__":
    from launch.python_version import require_python

    require_python()
    from launch.problem import run_command

    run_command(main)
