"""The paper's ablations on the demo model, against the same seed's full run, and the plots.

Figure 2: orders x horizons. Figure 6: single predictors against TAP. Table 6: the probe. Table 7: the proxy loss.
Figure 10: which orders and horizons are chosen when. It carries on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from tqdm import tqdm

from figures.jobs import Job, Runner, here
from figures.page import Page
from figures.places import OUTPUT, RESULTS
from figures.row_file import RowFile
from figures.table import table
from quality.cells import Cell, all_cells
from quality.choice_shares import choice_shares
from quality.plots import plot_quality
from quality.shot import COLUMNS, FLOOR, KEY, shoot_cell, stage_of

MEASURES = ("full_steps", "psnr", "ssim", "latent_error", "seconds")
# Figure 10 is of runs with more steps to look at than the ablations skip.
SHARES_OF = Cell("choices", "TAP", "N = 5", {"interval": 5})


def shots_of(count: int) -> list[tuple[int, int]]:
    """(scene, seed) of so many shots: those of `methods`."""
    return [(9000 + i, 70 + i) for i in range(count)]


def missing_jobs(cells: Sequence[Cell], shots: Sequence[tuple[int, int]], size: int, model: str, rows: RowFile
                 ) -> list[Job]:
    """The jobs whose row is not there yet, scene by scene, so that a full run serves many cells."""
    floor = [{"work": "quality.shot.rows", "name": FLOOR, "scene": scene, "seed": seed, "size": size}
             for scene, seed in shots]
    jobs = [*floor, *(cell.job(scene, seed, size) for scene, seed in shots for cell in cells)]
    return [job for job in jobs if not rows.has({**job, "cell": job["name"], "model": model})]


def means(rows: RowFile, name: str, shots: Sequence[tuple[int, int]], size: int, model: str) -> dict[str, float]:
    """The means of a cell over the shots."""
    wanted = {(name, str(scene), str(seed), str(size), model) for scene, seed in shots}
    found = [row for row in rows.rows if tuple(row[column] for column in KEY) in wanted]
    return {measure: mean(float(row[measure]) for row in found) for measure in MEASURES}


def markdown(found: dict) -> str:
    """A table a figure."""
    asked, floor = found["asked"], found["floor"]
    lines = [f"{asked['size']} x {asked['size']} pixels, 50 steps of euler, cfg 2, mean over {len(asked['shots'])} "
             f"scenes and seeds, the paper's schedule with N = 8 (8 full steps), target residual, no correction. "
             f"Another seed, the floor: {floor['psnr']:.1f} dB, SSIM {floor['ssim']:.3f}, latent error "
             f"{floor['latent_error']:.3f}."]
    for figure in dict.fromkeys(cell["figure"] for cell in found["cells"]):
        lines += ["", f"### {figure.capitalize()}", ""]
        lines += table(("", "", "PSNR, dB", "SSIM", "latent error", "s"), (
            (c["row"], c["column"], f"{c['psnr']:.2f}", f"{c['ssim']:.4f}", f"{c['latent_error']:.4f}",
             f"{c['seconds']:.2f}") for c in found["cells"] if c["figure"] == figure))
    return "\n".join(lines)


PAGE = Page("quality", markdown, plot_quality)


def measure(options: argparse.Namespace, runner: Runner) -> dict:
    """Whatever is missing, then the means of all cells."""
    stage, shots = stage_of(options.size), shots_of(options.shots)
    cells = [cell for cell in all_cells() if not options.figures or cell.figure.startswith(tuple(options.figures))]
    rows = RowFile(options.output / "quality.csv", COLUMNS, KEY)
    jobs = missing_jobs(cells, shots, options.size, stage.fingerprint, rows)
    for row in tqdm(runner(jobs), total=len(jobs), unit="picture"):
        rows.add(row)
    at = (shots, options.size, stage.fingerprint)
    records = [shoot_cell(stage, SHARES_OF, *shot).record for shot in tqdm(shots, desc="choices")]
    return {
        "asked": {"size": options.size, "shots": shots, "model": stage.fingerprint},
        "floor": means(rows, FLOOR, *at),
        "cells": [{"figure": cell.figure, "row": cell.row, "column": cell.column, **means(rows, cell.name, *at)}
                  for cell in cells],
        "choices": choice_shares(records),
    }


def run(arguments: Sequence[str], runner: Runner = here) -> dict:
    """Rows, tables and plots; the runner says where the jobs run. In another folder the README stays as it is."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--size", type=int, default=256, help="pixels of a side, a multiple of 16")
    parser.add_argument("--shots", type=int, default=3, help="scenes, each from another seed")
    parser.add_argument("--figures", nargs="+", help="only these, by their beginning")
    parser.add_argument("--output", type=Path, default=OUTPUT / "bench", help="where rows are kept until all are there")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures and plots go")
    options = parser.parse_args(arguments)
    found = measure(options, runner)
    PAGE.keep(arguments, found, options.results)
    return found
