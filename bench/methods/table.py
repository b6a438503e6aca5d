"""The table of `methods` as Markdown."""

from __future__ import annotations

from figures.table import table
from methods.few_table import ABOUT, FLOOR, cell, compares, scores


def markdown(found: dict) -> str:
    """One row a method, best at 10 calls first; two scores a count, then seconds and memory at 10."""
    budgets = sorted({row["budget"] for row in found["rows"] if row["budget"]}, reverse=True)
    cells: dict[str, dict[int, dict]] = {}
    for row in found["rows"]:
        cells.setdefault(row["name"], {})[row["budget"]] = row
    floor = cells.pop(FLOOR)[0]
    at = 10 if 10 in budgets else budgets[0]
    order = sorted(cells, key=lambda name: -_height(cells[name].get(at), at))
    rows = []
    for name in order:
        row = next(row for row in (cells[name].get(at), *cells[name].values()) if row)
        rows.append((name, *(_cell(cells[name].get(budget), budget) for budget in budgets),
                     f"{row['seconds']:.2f}" if "seconds" in row else "-", f"{row.get('cache_bytes', 0) / 1e6:.2f}"))
    rows.append((FLOOR, *[_scores(floor)] * len(budgets), f"{floor['seconds']:.2f} (all {floor['steps']})", 0))
    head = ("method", *(f"{budget} calls" for budget in budgets), f"s at {at}", "MB")
    return "\n".join([_about(found, floor), "", *table(head, rows), *_departures(found), "", ABOUT])


def _about(found: dict, floor: dict) -> str:
    return (f"The demo model, 256 x 256 pixels, {floor['steps']} steps, euler, CFG {floor['cfg']:g}, "
            f"{len(found['shots'])} scenes and seeds. Per cell: mean PSNR in dB (worst) / SSIM against the same seed's "
            "full run; in square brackets the calls, where they are not those of the column. Seconds are those of one "
            f"processor; {floor['seconds']:.1f} in full.")


def _height(row: dict | None, budget: int) -> float:
    return row["psnr"] if compares(row, budget) else 0.0


def _cell(row: dict | None, budget: int) -> str:
    said = cell(row, budget)
    return said.replace(scores(row), _scores(row)) if compares(row, budget) else said


def _scores(row: dict) -> str:
    return f"{scores(row)} / {row['ssim']:.3f}"


def _departures(found: dict) -> list[str]:
    """Where a method was turned by more than its one dial."""
    said = [f"{row['name']} at {row['budget']}: {row['says']}" for row in found["rows"] if row.get("says")]
    return ["", f"Set differently to come close to the column: {'; '.join(said)}."] if said else []
