"""Writes ComfyUI's *Templates* of this pack, and a small picture for each: `python3 demo/write_templates.py`.

One run of the demo model tells which of its steps are computed; the pictures show them.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from launch.python_version import require_python


def main() -> int:
    """Does the set-up, asks a server for its nodes, runs the demo once, and writes the files."""
    from launch.prepare import ROOT, hand_over, prepare

    place = prepare()
    if "COMFYUI_PATH" not in os.environ:
        return hand_over(place, sys.argv)
    from launch.client import run_prompt
    from launch.prompts import REPORT, fill_defaults, node, tap_prompt
    from launch.server import running_server
    from templates.write import write_templates

    with tempfile.TemporaryDirectory() as base, running_server(place.comfyui, ROOT, Path(base)) as server:
        known = server.get("/object_info")
        prompt = {**tap_prompt(7), REPORT: node("TapReport", record=["tap", 1], after=["decode", 0])}
        run = run_prompt(server.url, fill_defaults(prompt, known), "demo")
        report = json.loads(run.outputs[REPORT]["tap_report"][0])
        write_templates(known, report["full_steps"])
    return 0


if __name__ == "__main__":
    require_python()
    from launch.problem import run_command

    run_command(main)
