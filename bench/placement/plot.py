"""The plot of `placement`."""

from __future__ import annotations

from pathlib import Path

from matplotlib import colormaps

from figures.plot import plotted

COURSE = "50 steps, euler, simple, CFG 2"
NAMED = ("TAP, calibrated", "TAP Accelerate's defaults", "TAP", "Spectrum", "DiCache", "TaylorSeer, order 2",
         "EasyCache", "dpmpp_2m, fewer steps", "euler, fewer steps")


def plot_placement(found: dict, folder: Path) -> None:
    """Calls against PSNR on every model, a line a method; the other methods are dots."""
    rows = sorted((row for row in found["rows"] if row["course"] == COURSE), key=lambda row: row["calls"])
    models = list(dict.fromkeys(row["model"] for row in found["rows"]))
    colours = colormaps["tab10"].colors
    with plotted(folder / "placement.png", columns=3, figsize=(11, 4)) as panels:
        for axes, model in zip(panels, models, strict=False):
            ours = [row for row in rows if row["model"] == model and row["budget"]]
            others = [row for row in ours if row["name"] not in NAMED]
            axes.scatter([row["calls"] for row in others], [row["psnr"] for row in others], s=9, c="#bbbbbb",
                         label="other methods and solvers")
            for name, colour in zip(NAMED, colours, strict=False):
                line = [row for row in ours if row["name"] == name]
                axes.plot([row["calls"] for row in line], [row["psnr"] for row in line], "o-", ms=4, c=colour,
                          label=name)
            floor = next(row["psnr"] for row in rows if row["model"] == model and not row["budget"])
            axes.axhline(floor, c="#888888", ls=":", label="another seed")
            axes.set(title=model, xlabel="model calls of 50", xlim=(6.5, 13.2))
        panels[0].set(ylabel="PSNR, dB")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
