"""Rows of a part of this study: a file for each model, carried on where its command was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tqdm import tqdm

from figures.page import read_results
from figures.results_file import write_results
from models.stage import MODELS, Stage


def all_rows(part: str) -> dict:
    """The rows of each model that was measured."""
    return {"rows": [row for model in MODELS for row in read_results(f"closeness_{part}_{model}")["rows"]]}


def add_missing(part: str, stage: Stage, arguments: Sequence[str], fresh: bool, cells: Iterable[dict],
                rest_of: Callable[[dict], dict]) -> None:
    """Measure a model's cells that have no row yet, or all of them where the weights are others.

    cells: what tells a row from the others. rest_of: what is found in a cell. Each row is written down at once.
    """
    known = read_results(f"closeness_{part}_{stage.name}")
    rows = known["rows"] if not fresh and known.get("weights") == stage.weights else []
    for cell in tqdm(list(cells), desc=stage.name, unit="row", mininterval=5):
        if not any(row.items() >= cell.items() for row in rows):
            rows.append({"model": stage.name, **cell, **rest_of(cell)})
            write_results("closeness", [part, *arguments], {"weights": stage.weights, "rows": rows},
                          part=f"{part}_{stage.name}")
