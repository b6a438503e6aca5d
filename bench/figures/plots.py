"""The plots of `quality` and `methods`, as PNG files."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Named in the plot; the other methods are dots.
NAMED = ("TAP Accelerate's defaults", "TAP", "Spectrum", "TaylorSeer, order 1", "HiCache, order 2", "DiCache",
         "TeaCache", "FORA", "dpmpp_2m, fewer steps", "euler, fewer steps")
STYLE = {"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#e6e6e6", "axes.axisbelow": True, "font.size": 9, "legend.frameon": False}


def plot_quality(quality: dict, folder: Path) -> None:
    """Every plot of `quality` for which there are figures."""
    with plt.rc_context(STYLE):
        figures = {cell["figure"] for cell in quality["cells"]}
        if "orders x horizons" in figures:
            orders_by_horizons(quality["cells"], folder / "orders_horizons.png")
        if "single predictors" in figures:
            singles(quality["cells"], folder / "single_predictors.png")
        choices(quality["choices"], folder / "choices.png")


def plot_methods(methods: dict, folder: Path) -> None:
    """The plot of `methods`."""
    with plt.rc_context(STYLE):
        pareto(methods, folder / "pareto.png")


def pareto(methods: dict, file: Path) -> None:
    """Full steps against PSNR, and seconds against PSNR; up and to the left is better."""
    figure, (calls, seconds) = plt.subplots(1, 2, figsize=(11, 5), sharey=True)
    colours = plt.get_cmap("tab10").colors
    for axes, measure in ((calls, "full_steps"), (seconds, "seconds")):
        others = [row for row in methods["rows"] if row["name"] not in NAMED]
        axes.scatter([row[measure] for row in others], [row["psnr"] for row in others], s=9, c="#bbbbbb",
                     label="other methods")
        for name, colour in zip(NAMED, colours, strict=True):
            rows = sorted((row for row in methods["rows"] if row["name"] == name), key=lambda row: row["full_steps"])
            if not rows:
                continue
            axes.plot([row[measure] for row in rows], [row["psnr"] for row in rows], "o-", ms=4, c=colour, label=name)
        axes.axhline(methods["full"]["psnr"], c="#888888", ls=":", label="another seed")
    calls.set(xlabel=f"full steps of {methods['asked']['steps']}", ylabel="PSNR, dB")
    seconds.set(xlabel=f"seconds of one processor (full: {methods['full']['seconds']:.1f})")
    seconds.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, file)


def orders_by_horizons(cells: list[dict], file: Path) -> None:
    """PSNR over the reach of horizons, a line an order set."""
    figure, axes = plt.subplots(figsize=(6, 4))
    shown = [cell for cell in cells if cell["figure"] == "orders x horizons"]
    for orders in dict.fromkeys(cell["row"] for cell in shown):
        line = {-int(cell["column"].split()[-1]): cell["psnr"] for cell in shown if cell["row"] == orders}
        if len(line) == 1:
            axes.axhline(line[0], ls="--", c="#888888", label=f"orders {orders}")
        else:
            axes.plot(list(line), list(line.values()), "o-", label=f"orders {orders}")
    axes.set(xlabel="how many steps short of the true distance a horizon may be", ylabel="PSNR, dB")
    axes.legend()
    _save(figure, file)


def singles(cells: list[dict], file: Path) -> None:
    """A bar each predictor, and the choices beside them."""
    shown = sorted((cell for cell in cells if cell["figure"] == "single predictors"), key=lambda cell: cell["psnr"])
    figure, axes = plt.subplots(figsize=(7, 0.3 * len(shown) + 1))
    names = [cell["row"] if cell["column"] == "chosen" else f"{cell['row']}, horizon {cell['column']}"
             for cell in shown]
    colours = ["#d1495b" if cell["column"] == "chosen" else "#7a9cc6" for cell in shown]
    axes.barh(names, [cell["psnr"] for cell in shown], color=colours)
    axes.bar_label(axes.containers[0], fmt="%.1f", padding=3)
    axes.set(xlabel="PSNR, dB", xlim=(0.8 * shown[0]["psnr"], 1.05 * shown[-1]["psnr"]))
    axes.grid(visible=False, axis="y")
    _save(figure, file)


def choices(shares: dict[str, dict], file: Path) -> None:
    """Shares of orders and of horizons at each skipped step; full steps are gaps."""
    figure, panels = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True)
    for axes, (kind, steps) in zip(panels, shares.items(), strict=True):
        _stack(axes, {int(step): values for step, values in steps.items()})
        axes.set(ylabel=f"share of the tokens, by {kind}", ylim=(0, 1))
        axes.legend(title=kind, loc="center left", bbox_to_anchor=(1, 0.5))
    panels[-1].set(xlabel="step; gaps were computed in full")
    _save(figure, file)


def _stack(axes: Axes, steps: dict[int, dict[str, float]]) -> None:
    values = sorted({value for shares in steps.values() for value in shares}, key=float)
    colours = plt.get_cmap("viridis")
    bottom = [0.0] * len(steps)
    for place, value in enumerate(values):
        heights = [shares.get(value, 0.0) for shares in steps.values()]
        axes.bar(list(steps), heights, bottom=bottom, width=0.9, label=value,
                 color=colours(place / max(len(values) - 1, 1)))
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]


def _save(figure: plt.Figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # No software version or date inside: equal figures give equal files.
    figure.savefig(file, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
