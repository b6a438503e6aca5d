"""The table of `methods` as Markdown."""

from __future__ import annotations

from figures.table import table

# A cell with so many more or fewer full steps than its column's would not compare.
FARTHEST = 1.0


def markdown(found: dict) -> str:
    """One row a method, best at 10 full steps first; three scores a budget, then seconds and memory at 10."""
    budgets = sorted({row["budget"] for row in found["rows"]}, reverse=True)
    cells: dict[str, dict[int, dict]] = {}
    for row in found["rows"]:
        cells.setdefault(row["name"], {})[row["budget"]] = row
    at = 10 if 10 in budgets else budgets[0]
    order = sorted(cells, key=lambda name: -cells[name][at]["psnr"] if at in cells[name] else 0)
    asked, full = found["asked"], found["full"]
    lines = [
        f"{asked['size']} x {asked['size']} pixels, {asked['steps']} steps, {asked['sampler']}, cfg {asked['cfg']:g}, "
        f"mean over {len(asked['shots'])} scenes and seeds. Per cell: PSNR in dB / SSIM / relative error of the latent "
        "against the same seed's full run; in brackets the mean of full steps, where it is not the column's. Seconds "
        f"are those of one processor; {asked['size']} x {asked['size']} takes {full['seconds']:.1f} in full.",
        "",
    ]
    rows = []
    for name in order:
        row = cells[name].get(at) or next(iter(cells[name].values()))
        rows.append((name, *(_cell(cells[name].get(budget), budget) for budget in budgets), f"{row['seconds']:.2f}",
                     f"{row['cache_bytes'] / 1e6:.2f}"))
    rows.append(("another seed (floor)", *[_scores(full)] * len(budgets),
                 f"{full['seconds']:.2f} (all {asked['steps']})", 0))
    head = ("method", *(f"{budget} full" for budget in budgets), f"s at {at}", "MB")
    return "\n".join([*lines, *table(head, rows), *_departures(found)])


def _departures(found: dict) -> list[str]:
    """Where a method was turned by more than its one dial."""
    said = [f"{row['name']} at {row['budget']}: {row['says']}" for row in found["rows"] if row.get("says")]
    return ["", f"Set differently to come close to the column: {'; '.join(said)}."] if said else []


def _cell(row: dict | None, budget: int) -> str:
    if row is None or abs(row["full_steps"] - budget) > FARTHEST:
        return "not reached"
    apart = round(row["full_steps"], 1) != budget
    return _scores(row) + (f" ({row['full_steps']:.1f})" if apart else "")


def _scores(row: dict) -> str:
    return f"{row['psnr']:.1f} / {row['ssim']:.3f} / {row['latent_error']:.3f}"
