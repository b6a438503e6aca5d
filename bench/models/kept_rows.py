"""Rows of a study or of a part of one: a file for each model, carried on where its command was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tqdm import tqdm

from figures.page import read_results
from figures.results_file import write_results
from models.stage import MODELS, Stage


def all_rows(study: str, part: str = "") -> dict:
    """The rows of each model that was measured."""
    return {"rows": [row for model in MODELS for row in read_results(f"{study}_{_label(part, model)}")["rows"]]}


def add_missing(study: str, part: str, stage: Stage, arguments: Sequence[str], fresh: bool, cells: Iterable[dict],
                rest_of: Callable[[dict], dict]) -> None:
    """Measure a model's cells that have no row yet, or all of them where the weights are others.

    part: of the study, "" for none. cells: what tells a row from the others. rest_of: what is found in a cell. Each row
    is written down at once.
    """
    label = _label(part, stage.name)
    known = read_results(f"{study}_{label}")
    rows = known["rows"] if not fresh and known.get("weights") == stage.weights else []
    for cell in tqdm(list(cells), desc=stage.name, unit="row", mininterval=5):
        if not any(row.items() >= cell.items() for row in rows):
            rows.append({"model": stage.name, **cell, **rest_of(cell)})
            write_results(study, [*filter(None, [part]), *arguments], {"weights": stage.weights, "rows": rows},
                          part=label)


def _label(part: str, model: str) -> str:
    return f"{part}_{model}" if part else model
