"""The plot of `methods`."""

from __future__ import annotations

from pathlib import Path

from matplotlib import colormaps

from figures.plot import plotted
from methods.few_table import FLOOR

# Named in the plot; the other methods are dots.
NAMED = ("TAP Accelerate's defaults", "TAP", "Spectrum", "TaylorSeer, order 1", "HiCache, order 2", "DiCache",
         "TeaCache", "FORA", "dpmpp_2m, fewer steps", "euler, fewer steps")


def pareto(methods: dict, folder: Path) -> None:
    """Calls against PSNR, and seconds against PSNR; up and to the left is better."""
    colours = colormaps["tab10"].colors
    found = [row for row in methods["rows"] if row["budget"] and "error" not in row]
    by_steps = sorted(found, key=lambda row: row["calls"])
    (floor,) = [row for row in methods["rows"] if row["name"] == FLOOR]
    with plotted(folder / "pareto.png", columns=2, figsize=(11, 5), sharey=True) as (calls, seconds):
        for axes, measure in ((calls, "calls"), (seconds, "seconds")):
            others = [row for row in found if row["name"] not in NAMED]
            axes.scatter([row[measure] for row in others], [row["psnr"] for row in others], s=9, c="#bbbbbb",
                         label="other methods")
            for name, colour in zip(NAMED, colours, strict=True):
                rows = [row for row in by_steps if row["name"] == name]
                if rows:
                    axes.plot([row[measure] for row in rows], [row["psnr"] for row in rows], "o-", ms=4, c=colour,
                              label=name)
            axes.axhline(floor["psnr"], c="#888888", ls=":", label="another seed")
        calls.set(xlabel=f"calls of {floor['steps']}", ylabel="PSNR, dB")
        seconds.set(xlabel=f"seconds of one processor (full: {floor['seconds']:.1f})")
        seconds.legend(loc="center left", bbox_to_anchor=(1, 0.5))
