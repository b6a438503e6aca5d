"""Speeds up the demo model in a real ComfyUI: sets everything up, runs with and without TAP, shows the difference.

Start it with any Python from 3.10 to 3.13: `python3 demo/run.py`. The results are in `output/`.
"""

import os
import sys

from launch.python_version import require_python


def main() -> int:
    """Reads the options, does the set-up, then continues in the Python that has ComfyUI's packages."""
    from launch.options import read_options
    from launch.prepare import hand_over, prepare

    options = read_options(sys.argv[1:])
    place = prepare()
    if "COMFYUI_PATH" not in os.environ:
        return hand_over(place, sys.argv)
    from launch.compare import compare

    return compare(place.comfyui, options)


if __name__ == "__main__":
    require_python()
    from launch.problem import run_command

    run_command(main)
