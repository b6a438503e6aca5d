"""One look for all plots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

STYLE = {"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#e6e6e6", "axes.axisbelow": True, "font.size": 9, "legend.frameon": False}


@contextmanager
def plotted(file: Path, rows: int = 1, columns: int = 1, **more: object) -> Iterator[object]:
    """Axes to draw on, an array of them if they are several; then the plot is written to its file."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, **more)
        yield axes
        file.parent.mkdir(parents=True, exist_ok=True)
        # No software version or date inside: equal figures give equal files.
        figure.savefig(file, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)
