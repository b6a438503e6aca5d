"""Every test of the pack, in a real ComfyUI: `python3 tests/run.py [pytest arguments]`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "demo"))


def main() -> int:
    """Does the set-up, then runs pytest in the Python that has ComfyUI's packages."""
    from launch.prepare import hand_over, prepare

    place = prepare(extras=["tests"])
    return hand_over(place, ["-m", "pytest", "--rootdir", str(ROOT), *(sys.argv[1:] or [str(ROOT / "tests")])])


if __name__ == "__main__":
    from launch.python_version import require_python

    require_python()
    from launch.problem import run_command

    run_command(main)
