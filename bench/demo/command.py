"""The demo: seconds in the sampler with and without TAP, in a real ComfyUI, as demo/run.py measures them.

`python3 bench/run.py demo` runs `demo/run.py` and keeps its figures in bench/results/demo.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence

from figures.places import OUTPUT, ROOT
from figures.results_file import write_results

# What README.md prints; the rest of the report is long.
KEPT = ("asked", "best_sampler_seconds", "speed_up", "psnr_db")


def run(arguments: Sequence[str]) -> None:
    """Run the demo and keep what it found."""
    parser = argparse.ArgumentParser(prog="bench/run.py demo", description=__doc__)
    parser.add_argument("--runs", type=int, default=4, help="of each; the best one counts")
    runs = parser.parse_args(arguments).runs
    subprocess.run([sys.executable, str(ROOT / "demo" / "run.py"), "--runs", str(runs)], check=True)
    report = json.loads((OUTPUT / "report.json").read_text(encoding="utf-8"))
    found = {name: report[name] for name in KEPT}
    tap = report["tap_report"]
    found |= {"full_steps": len(tap["full_steps"]), "cache_bytes": tap["cache_bytes"]}
    write_results("demo", arguments, found)
