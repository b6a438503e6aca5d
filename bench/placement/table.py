"""The tables of `placement` as Markdown."""

from __future__ import annotations

from itertools import groupby

from figures.table import table

# A cell with so many more calls than its column's would not compare.
FARTHEST = 1.9
NAMES = {
    "demo": "The demo model (FLUX's class, landscapes, 256 tokens)",
    "words": "Words (Qwen-Image's class, tilted letters, 64 tokens)",
    "balls": "Balls (Wan's class, films of moving shapes, 96 tokens)",
}


def tables(rows: list[dict]) -> str:
    """One table a model and course; the best at the first of its budgets first."""
    order = sorted(rows, key=lambda row: (list(NAMES).index(row["model"]), _rank(row["course"]), row["course"]))
    parts = [_table(NAMES[model], course, list(found))
             for (model, course), found in groupby(order, key=lambda row: (row["model"], row["course"]))]
    return "\n\n".join(parts)


def _rank(course: str) -> int:
    """The long table first."""
    return course != "50 steps, euler, simple, CFG 2"


def _table(model: str, course: str, rows: list[dict]) -> str:
    budgets = sorted({row["budget"] for row in rows if row["budget"]}, reverse=True)
    cells: dict[str, dict[int, dict]] = {}
    for row in rows:
        cells.setdefault(row["name"], {})[row["budget"]] = row
    at = 10 if 10 in budgets else budgets[0]
    order = sorted(cells, key=lambda name: -next((cells[name][b]["psnr"] for b in (at, *budgets, 0)
                                                  if b in cells[name]), 0))
    lines = [f"**{model}; {course}.** Mean PSNR in dB (worst) / mean SSIM (worst) / mean PSNR of the latents; in "
             "square brackets the calls, where they are not those of the column.", ""]
    return "\n".join([*lines, *table(("method", *(f"{budget} calls" for budget in budgets)), (
        (name, *(_cell(cells[name].get(b, cells[name].get(0)), b) for b in budgets)) for name in order))])


def _cell(row: dict | None, budget: int) -> str:
    if row is None:
        return "not measured"
    if row["budget"] and row["calls"] > budget + FARTHEST:
        return "not reached"
    text = (f"{row['psnr']:.1f} ({row['psnr_worst']:.1f}) / {row['ssim']:.3f} ({row['ssim_worst']:.3f}) / "
            f"{row['latent_psnr']:.1f}")
    return text + _calls_elsewhere(row, budget)


def short_table(rows: list[dict], calls: int = 10) -> str:
    """The chief methods on every model at so many calls, as bench/README.md has them: mean PSNR in dB (worst)."""
    chief = {"TAP, calibrated": "**calibrated**", "TAP Accelerate's defaults": "**TAP Accelerate, defaults**",
             "DiCache": "DiCache", "CG-Taylor": "CG-Taylor", "Spectrum": "Spectrum",
             "TaylorSeer, order 2": "TaylorSeer, order 2", "TAP": "TAP as in the paper",
             "HiCache, order 2": "HiCache, order 2", "TeaCache": "TeaCache", "FORA": "FORA", "SpeCa": "SpeCa",
             "EasyCache": "EasyCache"}
    found = {(row["model"], row["name"]): row for row in rows
             if row["course"] == "50 steps, euler, simple, CFG 2" and row["budget"] in (calls, 0)}
    models = [model for model in NAMES if (model, "TAP") in found]
    lines = [(shown, *(_score(found[model, name], calls) for model in models)) for name, shown in chief.items()]
    best = [max((row for (of, name), row in found.items() if of == model and name.endswith("fewer steps")),
                key=lambda row: row["psnr"]) for model in models]
    shown = [f"{_score(row, calls)}, {row['name'].partition(',')[0]}" for row in best]
    lines.append((f"instead: the best of six solvers with {calls} steps", *shown))
    lines.append(("another seed (floor)", *(_score(found[model, "another seed (floor)"], calls) for model in models)))
    return "\n".join(table(("", *models), lines))


def _score(row: dict, budget: int) -> str:
    return f"{row['psnr']:.1f} ({row['psnr_worst']:.1f})" + _calls_elsewhere(row, budget)


def _calls_elsewhere(row: dict, budget: int) -> str:
    """The calls in brackets, where they are not those of the column; the floor has none."""
    return f" [{row['calls']:.1f}]" if row["budget"] and abs(row["calls"] - budget) >= 0.5 else ""
