"""Every test of the pack, in a real ComfyUI: `python3 tests/run.py [pytest arguments]`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "demo"))


def main() -> int:
    """Does the set-up, then runs pytest in the Python that has ComfyUI's packages."""
    from launch.prepare import hand_over, prepare

    place = prepare(extras=["tests"])
    # pytest reads its settings from the folder it is started in.
    os.chdir(ROOT)
    return hand_over(place, ["-m", "pytest", *sys.argv[1:]])


if __name__ == "__main__":
    from launch.python_version import require_python

    require_python()
    from launch.problem import run_command

    run_command(main)
