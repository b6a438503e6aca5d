"""What told and measured differ by, as a sum of terms that are fitted to the runs of `closeness telling`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from tap_pack.tap_core.closeness import LEAST

from figures.table import table
from models.stage import MODELS

# A run: its row, told, measured. lcm is told by a limit, and so is a run of which the least is told.
Run = tuple[dict, float, float]
LOW = 32.0
TERMS: dict[str, Callable[[dict, float], float]] = {
    "8 steps": lambda row, told: row["steps"] == 8,
    "CFG 4": lambda row, told: row["cfg"] == 4,
    "CFG 6": lambda row, told: row["cfg"] == 6,
    "two evaluations a step (heun)": lambda row, told: row["sampler"] == "heun",
    f"each dB that is told below {LOW:.0f}": lambda row, told: max(LOW - told, 0.0),
}


def terms_table(rows: Sequence[dict]) -> list[str]:
    """Measured minus told, model by model: what each term adds, and the scatter that is left."""
    of_models = {model: [run for run in runs_to_fit(rows) if run[0]["model"] == model] for model in MODELS}
    fits = {model: fitted(runs) for model, runs in of_models.items() if len(runs) > len(TERMS)}
    models = list(fits)
    lines = [(name, *(f"{fits[model][0][place]:+.1f}" for model in models)) for place, name in enumerate(TERMS)]
    for name, which in (("scatter as it is told", 1), ("scatter with these terms", 2)):
        lines.append((name, *(f"{fits[model][which]:.1f}" for model in models)))
    return table(("measured minus told, dB; without lcm and where the least is told", *models), lines)


def runs_to_fit(rows: Sequence[dict]) -> list[Run]:
    """Those that tell a figure of their own, and skip steps."""
    return [(row, told[1], found) for row in rows if row["sampler"] != "lcm"
            for told, found, calls in zip(row["told"], row["psnr"], row["calls"], strict=True)
            if told is not None and told[1] > LEAST and calls < row["steps"]]


def fitted(runs: Sequence[Run]) -> tuple[list[float], float, float]:
    """Least squares: the terms, the scatter as it is told, and with them."""
    apart = np.array([found - told for _, told, found in runs])
    columns = np.array([[1.0, *(float(term(row, told)) for term in TERMS.values())] for row, told, _ in runs])
    weights = np.linalg.lstsq(columns, apart, rcond=None)[0]
    return weights[1:].tolist(), float(apart.std()), float((apart - columns @ weights).std())
