"""Measures one thing: `python3 bench/run.py NAME [options]`. `--help` after a name shows its options.

It sets everything up, as demo/run.py does. Figures and plots go to bench/results, tables to the README of the study.
"""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "demo"))

# Name, that of a folder -> the extras of pyproject.toml that it needs, and what it measures.
BENCHMARKS = {
    "demo": ([], "the demo's seconds with and without TAP, in a real ComfyUI"),
    "cost": (["bench"], "FLOPs of the paper's five models, full size: its Tables 1 to 3"),
    "memory": (["bench"], "memory that TAP holds with those models, measured"),
    "overhead": (["bench"], "seconds of a skipped step over those of a full one, at FLUX's width"),
    "rehearse": ([], "full-size models on a card that is not there: operators, waits, memory, an estimate"),
    "full": ([], "full-size models with random weights, run on the processor by stock loaders"),
    "card": ([], "your graphics card: seconds, memory, launches and waits, with TAP and without"),
    "engine": ([], "a skipped step of the engine by itself, over one pass through its tensors"),
    "methods": (["bench"], "all published methods on the demo model, at equal numbers of full steps"),
    "placement": (["bench"], "the best picture for so many model calls, on three models"),
    "calibration": ([], "what calibrating takes beside a full run, what its estimate is worth"),
    "learned": ([], "weights of forecasts learned from runs, and sigmas moved to fit the steps, on three models"),
    "drift": (["bench"], "what full steps at a drifted x cost, and how models answer a drift"),
    "replay": (["bench"], "what it costs that the sampler goes again to repay drift"),
    "partial": ([], "what it is worth to compute some of a step's tokens, on three models"),
    "samplers": (["bench"], "what repaying the drift is worth with every sampler, on three models"),
    "closeness": ([], "what a run's own estimate is worth, and runs that keep to a quality, on three models"),
    "choice": (["bench"], "how well the probe chooses, and what else was tried, on three models"),
    "orders": ([], "TAP's choice against the best single order of its pool, on three models"),
    "quality": (["bench"], "the paper's ablations on the demo model: pools, probes, losses, horizons"),
    "real": (["bench"], "your model file on a list of prompts: the paper's protocol"),
    "sweep": (["bench", "sweep"], "quality and real over many settings, on all processors or a cluster"),
}


def main() -> int:
    """Does the set-up, then runs the benchmark in the Python that has ComfyUI's packages."""
    from launch.prepare import hand_over, prepare
    from launch.problem import Problem

    name, arguments = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if name in ("", "-h", "--help"):
        print(__doc__, *(f"  {name:11} {about}" for name, (_, about) in BENCHMARKS.items()), sep="\n")
        return 0
    if name not in BENCHMARKS:
        raise Problem(f"There is no benchmark called {name}; choose one of {', '.join(BENCHMARKS)}.")
    return hand_over(prepare(extras=BENCHMARKS[name][0]), [str(BENCH / "start.py"), f"{name}.command", *arguments])


if __name__ == "__main__":
    from launch.python_version import require_python

    require_python()
    from launch.problem import run_command

    run_command(main)
