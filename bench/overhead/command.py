"""Seconds of a skipped step over those of a full one, at FLUX.1-dev's real width and 1024 x 1024.

On the processor: one double and one single block, their seconds scaled to the model's 19 and 38; never more than an
estimate. And how many operators a card is asked to launch. With the paper's settings and with the pack's own.
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from tap_pack.tap_core.sampling.settings import TapSettings

from figures.page import Page
from figures.table import table
from models.full_size import FULL_SIZES
from models.paper_settings import PAPER_SETTINGS
from overhead.launches import beyond_stock
from overhead.on_processor import estimate

WAYS = {"the paper's": PAPER_SETTINGS, "default": {}}
# N -> the paper's wall-clock and FLOPs speed-ups on FLUX.1-dev, Table 1.
PAPER = {5: (3.57, 4.16), 6: (4.13, 4.99), 8: (5.02, 6.24), 10: (6.79, 7.13)}
INTERVALS = tuple(PAPER)
MISSING = "Figures of a graphics card are missing: none was at hand. Where one is, `bench/run.py card` takes them."


def markdown(found: dict) -> str:
    """What was measured, and beside it the paper's."""
    parts = table(("part", "seconds"), ((name, f"{value:.4f}") for name, value in found["seconds"].items()))
    steps = table(("settings", "added to a full step, s", "skipped step, s", "of a full one",
                   "beyond embedder and final layer", "operators added to a full step", "to a skipped one",
                   "launching these, ms"), map(_step, found["ways"]))
    runs = table(("settings", "N", "full steps", "speed-up", "of full steps only", "reached", "paper, wall clock",
                  "paper, FLOPs"), (_run(way["name"], row) for way in found["ways"] for row in way["rows"]))
    lines = [found["about"], "", *parts, "", *steps, "", *runs]
    return "\n".join([*lines, "", MISSING])


def _step(way: dict) -> tuple[str, ...]:
    launched, adds = way["launches"], f"{way['full_adds']:.4f}" if "full_adds" in way else ""
    return (way["name"], adds, f"{way['skipped']:.4f}", f"{100 * way['skipped_share']:.3f} %",
            f"{100 * way['beyond_share']:.3f} %", f"{launched['full']:.0f}", f"{launched['skipped']:.0f}",
            f"{1000 * launched['seconds']:.2f}")


def _run(name: str, row: dict) -> tuple[str, ...]:
    clock, flops = PAPER[row["interval"]]
    return (name, row["interval"], f"{row['full_steps']} of 50", f"{row['speed_up']:.2f}", f"{row['bound']:.2f}",
            f"{row['speed_up'] / row['bound']:.3f}", f"{clock:.2f}", f"{flops:.2f}")


PAGE = Page("overhead", markdown)


def run(arguments: list[str]) -> None:
    """Measures, prints and keeps."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--threads", type=int, default=1, help="of the processor, where it is measured")
    parser.add_argument("--repeats", type=int, default=3, help="of the processor's runs; the least counts")
    options = parser.parse_args(arguments)
    size = FULL_SIZES[0]
    torch.set_num_threads(options.threads)
    found = estimate(size, options.repeats, options.threads, INTERVALS, WAYS)
    for way in found["ways"]:
        way["launches"] = asdict(beyond_stock(size, TapSettings(**WAYS[way["name"]])))
    PAGE.keep(arguments, found)
