"""Seconds of a skipped step over those of a full one, at FLUX.1-dev's real width and 1024 x 1024.

With CUDA: the whole model with random weights, sampled by ComfyUI for 50 steps, with and without TAP. Without: on the
processor, one double and one single block, their seconds scaled to the model's 19 and 38; never more than an estimate.
"""

from __future__ import annotations

import argparse
import sys

import torch
from demo_stage import load_pack

load_pack(cpu=not torch.cuda.is_available())

from full_size import FULL_SIZES  # noqa: E402  the pack had to be loaded first
from overhead_cpu import estimate  # noqa: E402
from overhead_cuda import INTERVALS, sample_runs  # noqa: E402
from readme_blocks import put_block  # noqa: E402
from results_file import write_results  # noqa: E402

# N -> the paper's wall-clock and FLOPs speed-ups on FLUX.1-dev, Table 1.
PAPER = {5: (3.57, 4.16), 6: (4.13, 4.99), 8: (5.02, 6.24), 10: (6.79, 7.13)}
MISSING = "Figures of a graphics card are missing: none was at hand. Where CUDA is there, this command takes them."


def markdown(found: dict) -> str:
    """What was measured, and beside it the paper's."""
    lines = [found["about"], ""]
    parts = found["seconds"]
    lines += ["| part | seconds |", "|---|---|", *(f"| {name} | {value:.4f} |" for name, value in parts.items()), ""]
    lines += [
        f"A skipped step takes {100 * found['skipped_share']:.2f} % of a full one, "
        f"{100 * found['beyond_share']:.2f} % beyond embedder and final layer.", "",
        "| N | full steps | speed-up | of full steps alone | reached | paper, wall clock | paper, FLOPs |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        clock, flops = PAPER[row["interval"]]
        lines.append(f"| {row['interval']} | {row['full_steps']} of 50 | {row['speed_up']:.2f} | {row['bound']:.2f} | "
                     f"{row['speed_up'] / row['bound']:.3f} | {clock:.2f} | {flops:.2f} |")
    return "\n".join(lines if found["device"] == "cuda" else [*lines, "", MISSING])


def main(arguments: list[str]) -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(prog="bench/run.py overhead", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="of the processor, where it is measured")
    parser.add_argument("--repeats", type=int, default=3, help="of the processor's parts; the least counts")
    options = parser.parse_args(arguments)
    size = FULL_SIZES[0]
    if options.device == "cuda":
        found = sample_runs(size, torch.device("cuda"), INTERVALS)
    else:
        torch.set_num_threads(options.threads)
        found = estimate(size, options.repeats, options.threads, INTERVALS)
    print(markdown(found))
    put_block("overhead", markdown(found))
    write_results("overhead", arguments, found)


if __name__ == "__main__":
    main(sys.argv[1:])
