"""The plots of `quality`."""

from __future__ import annotations

from pathlib import Path

from matplotlib import colormaps
from matplotlib.axes import Axes

from figures.plot import plotted


def plot_quality(quality: dict, folder: Path) -> None:
    """Every plot for which there are figures."""
    figures = {cell["figure"] for cell in quality["cells"]}
    if "orders x horizons" in figures:
        orders_by_horizons(quality["cells"], folder / "orders_horizons.png")
    if "single predictors" in figures:
        singles(quality["cells"], folder / "single_predictors.png")
    choices(quality["choices"], folder / "choices.png")


def orders_by_horizons(cells: list[dict], file: Path) -> None:
    """PSNR over the reach of horizons, a line an order set."""
    with plotted(file, figsize=(6, 4)) as axes:
        shown = [cell for cell in cells if cell["figure"] == "orders x horizons"]
        for orders in dict.fromkeys(cell["row"] for cell in shown):
            line = {-int(cell["column"].split()[-1]): cell["psnr"] for cell in shown if cell["row"] == orders}
            if len(line) == 1:
                axes.axhline(line[0], ls="--", c="#888888", label=f"orders {orders}")
            else:
                axes.plot(list(line), list(line.values()), "o-", label=f"orders {orders}")
        axes.set(xlabel="how many steps short of the true distance a horizon may be", ylabel="PSNR, dB")
        axes.legend()


def singles(cells: list[dict], file: Path) -> None:
    """A bar each predictor, and the choices beside them."""
    shown = sorted((cell for cell in cells if cell["figure"] == "single predictors"), key=lambda cell: cell["psnr"])
    with plotted(file, figsize=(7, 0.3 * len(shown) + 1)) as axes:
        names = [cell["row"] if cell["column"] == "chosen" else f"{cell['row']}, horizon {cell['column']}"
                 for cell in shown]
        colours = ["#d1495b" if cell["column"] == "chosen" else "#7a9cc6" for cell in shown]
        axes.barh(names, [cell["psnr"] for cell in shown], color=colours)
        axes.bar_label(axes.containers[0], fmt="%.1f", padding=3)
        axes.set(xlabel="PSNR, dB", xlim=(0.8 * shown[0]["psnr"], 1.05 * shown[-1]["psnr"]))
        axes.grid(visible=False, axis="y")


def choices(shares: dict[str, dict], file: Path) -> None:
    """Shares of orders and of horizons at each skipped step; full steps are gaps."""
    with plotted(file, rows=2, figsize=(9, 5.5), sharex=True) as panels:
        for axes, (kind, steps) in zip(panels, shares.items(), strict=True):
            _stack(axes, {int(step): values for step, values in steps.items()})
            axes.set(ylabel=f"share of the tokens, by {kind}", ylim=(0, 1))
            axes.legend(title=kind, loc="center left", bbox_to_anchor=(1, 0.5))
        panels[-1].set(xlabel="step; gaps were computed in full")


def _stack(axes: Axes, steps: dict[int, dict[str, float]]) -> None:
    values = sorted({value for shares in steps.values() for value in shares}, key=float)
    colours = colormaps["viridis"]
    bottom = [0.0] * len(steps)
    for place, value in enumerate(values):
        heights = [shares.get(value, 0.0) for shares in steps.values()]
        axes.bar(list(steps), heights, bottom=bottom, width=0.9, label=value,
                 color=colours(place / max(len(values) - 1, 1)))
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
