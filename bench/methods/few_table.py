"""The tables of `methods few` as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import mean

from figures.table import table

DEFAULTS, FLOOR = "TAP Accelerate's defaults", "another seed (floor)"
# The budget of a row whose number of calls was not asked for.
OWN = -1
# Closer to the column's count than the first, calls are not named; farther than the second, a cell would not compare.
NEAR, FARTHEST = 0.05, 1.5
NAMES = {"demo": "The demo model (FLUX's class, landscapes)", "words": "Words (Qwen-Image's class, tilted letters)",
         "balls": "Balls (Wan's class, films of moving shapes)"}
# What has to be known of the rows of `newest`.
ABOUT = ("*SADA, token-wise*: a step that is computed in part counts as a call by the share of the tokens that it "
         "computes; the criterion is used up to two fifths of the run, step-wise up to half. *L2P, closed loop* and "
         "*L2P's weights*: learned for these full steps on two other pictures, on what runs see that skip. *Sigmas "
         "moved*: BudCache's second stage, learned on the same two; all are moved, or those of the skipped steps. The "
         "full picture is the one with the sigmas as they are.")
Column = tuple[int, int, float]


def tables(models: dict[str, list[dict]]) -> str:
    """All in short, the papers' own settings, and one table a model; rows by model."""
    parts = [table_of(NAMES[model], rows) for model, rows in models.items()]
    return "\n\n".join([in_short(models), own_table(models), ABOUT, *parts])


def in_short(models: dict[str, list[dict]]) -> str:
    """The defaults, the best published method and the best solver of each column."""
    places = sorted({place for rows in models.values() for place in columns(rows)})
    lines = [(f"{calls} of {steps}, CFG {cfg:g}", *(_best(rows, (steps, calls, cfg)) for rows in models.values()))
             for steps, calls, cfg in places]
    return "\n".join(["**In short.** Mean PSNR in dB: TAP Accelerate's defaults / the best published method / the best "
                      "of euler and dpmpp_2m with as many steps as calls; in square brackets the calls, where they are "
                      "not those of the row.", "", *table(("calls", *models), lines)])


def is_published(name: str) -> bool:
    """Whether a method is another's, or the paper's TAP, and not a mix that this pack makes."""
    ours = ("TAP Accelerate's", "TAP, ", "Spectrum's forecast", FLOOR)
    return not name.startswith(ours) and not name.endswith(("growing windows", "drift repaid", "fewer steps"))


def found_at(rows: list[dict], place: Column) -> dict[str, dict]:
    """The rows of a column that compare, by name."""
    steps, calls, cfg = place
    return {row["name"]: row for row in rows if (row["steps"], row["budget"], row["cfg"]) == (steps, calls, cfg)
            and compares(row, calls)}


def best_of(found: dict[str, dict], wanted: Callable[[str], bool]) -> dict:
    """The row with the highest mean among names of a kind."""
    return max((row for name, row in found.items() if wanted(name)), key=lambda row: row["psnr"])


def _best(rows: list[dict], place: Column) -> str:
    found = found_at(rows, place)
    if DEFAULTS not in found or not any(map(_is_solver, found)):
        return "not measured"
    method, solver = best_of(found, is_published), best_of(found, _is_solver)
    elsewhere = f" [{method['calls']:.1f}]" if abs(method["calls"] - place[1]) > NEAR else ""
    return (f"{found[DEFAULTS]['psnr']:.1f} / {method['psnr']:.1f} {method['name']}{elsewhere} / "
            f"{solver['psnr']:.1f} {solver['name'].partition(',')[0]}")


def _is_solver(name: str) -> bool:
    return name.endswith("fewer steps")


def columns(rows: list[dict]) -> list[Column]:
    """(steps, calls, CFG) of what every method was turned to."""
    solvers = {(row["steps"], row["budget"], row["cfg"]) for row in rows if _is_solver(row["name"])}
    return sorted(solvers)


def table_of(title: str, rows: list[dict]) -> str:
    """One model; the best in the mean of all columns first, methods that fail or miss a count last."""
    places = columns(rows)
    cells = {(row["name"], row["steps"], row["budget"], row["cfg"]): row for row in rows}
    names = dict.fromkeys(row["name"] for row in rows if row["budget"] not in (OWN, 0))
    order = sorted(names, key=lambda name: _rank([cells.get((name, *place)) for place in places], places))
    lines = [(name, *(cell(cells.get((name, *place)), place[1]) for place in places)) for name in order]
    floor = [cells.get((FLOOR, steps, 0, cfg)) for steps, _, cfg in places]
    lines.append((FLOOR, *(cell(row, None) for row in floor)))
    head = ("method", *(f"{steps} steps, {calls} calls, CFG {cfg:g}" for steps, calls, cfg in places))
    return "\n".join([f"**{title}.** Mean PSNR in dB over 3 prompts and seeds (worst); in square brackets the calls, "
                      "where they are not those of the column.", "", *table(head, lines), *_departures(rows, places)])


def _departures(rows: list[dict], places: list[Column]) -> list[str]:
    """Where a method was turned by more than its one dial; all with one step in N have the same other warm-up."""
    said = Counter((row["name"], row["says"]) for row in rows if row.get("says") not in (None, "", "warm-up 1")
                   and (row["steps"], row["budget"], row["cfg"]) in places)
    listed = [f"{name}: {says} ({count})" for (name, says), count in said.items()]
    return ["", "Set differently to come close to the column, in brackets in how many columns: "
                f"{'; '.join(listed)}."] if listed else []


def _rank(found: list[dict | None], places: list[Column]) -> tuple[int, float]:
    whole = [row["psnr"] for row, place in zip(found, places, strict=True) if compares(row, place[1])]
    return len(places) - len(whole), -mean(whole) if whole else 0.0


def compares(row: dict | None, calls: int) -> bool:
    """Whether a row came close enough to a count of calls to stand in its column."""
    return row is not None and "error" not in row and abs(row["calls"] - calls) <= FARTHEST


def cell(row: dict | None, calls: int | None) -> str:
    """A row as it stands at a count of calls, None for any count."""
    if row is None:
        return "not measured"
    if "error" in row:
        return f"fails: {row['error'].partition(': ')[2][:60]}"
    if calls is None or abs(row["calls"] - calls) <= NEAR:
        return scores(row)
    if not compares(row, calls):
        return f"not reached [{row['calls']:.1f}]"
    return f"{scores(row)} [{row['calls']:.1f}]"


def scores(row: dict) -> str:
    """Mean (worst)."""
    return f"{row['psnr']:.1f} ({row['psnr_worst']:.1f})"


def own_table(models: dict[str, list[dict]]) -> str:
    """Each paper's own settings beside the same method as it was turned, and the defaults, with as many calls."""
    places = sorted({(row["steps"], row["cfg"]) for rows in models.values() for row in rows})
    lines = []
    for model, rows in models.items():
        own = {(row["name"], row["steps"], row["cfg"]): row for row in rows if row["budget"] == OWN}
        for name in dict.fromkeys(row["name"] for row in rows if row["budget"] == OWN):
            lines.append((model, name, *(_beside(own.get((name, *place)), rows) for place in places)))
    head = ("model", "own settings", *(f"{steps} steps, CFG {cfg:g}" for steps, cfg in places))
    return "\n".join(["**TC-Pade, SADA and CG-Taylor with their papers' own settings.** Mean PSNR in dB (worst) [calls]"
                      " / the same method as it was turned for the tables below, to as many calls / TAP Accelerate's "
                      "defaults with as many calls.", "", *table(head, lines)])


def _beside(row: dict | None, rows: list[dict]) -> str:
    if row is None or "error" in row:
        return cell(row, None)
    if row["calls"] == row["steps"]:
        return "every step computed"
    found = [beside(row, name, rows) for name in (row["turned"], DEFAULTS)]
    return " / ".join([f"{scores(row)} [{row['calls']:.1f}]", *(_short(each, row) for each in found)])


def beside(row: dict, name: str, rows: list[dict]) -> dict | None:
    """The row of another method on the same course, with as many calls; None if there is none."""
    asked = {"name": name, "steps": row["steps"], "cfg": row["cfg"], "budget": round(row["calls"])}
    return next((other for other in rows if other.items() >= asked.items() and "error" not in other), None)


def _short(row: dict | None, own: dict) -> str:
    if row is None:
        return "-"
    apart = abs(row["calls"] - own["calls"]) >= 0.5
    return f"{row['psnr']:.1f}" + (f" [{row['calls']:.1f}]" if apart else "")
