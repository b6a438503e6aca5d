"""What settings change: operators by model, and the most that any model waits, copies and makes in float64."""

from __future__ import annotations

from figures.table import table
from rehearse.rows import KINDS, VARIANTS


def settings_tables(rows: list[dict]) -> list[str]:
    """Two tables, of the rows of one kind of weights."""
    by_key = {(row["model"], row["variant"]): row for row in rows}
    models = list(dict.fromkeys(row["model"] for row in rows))
    names = [name or "defaults" for name in VARIANTS]
    operators = table(("model", *names), (
        (model, *(_operators(by_key.get((model, variant))) for variant in VARIANTS)) for model in models))
    most = table(("setting", "models", "waits at a full step", "at a skipped one",
                  "copies to the processor at a full step", "at a skipped one", "float64 on the card",
                  "pinned memory read early"), (
        (name, len(some), *_most(some)) for name, variant in zip(names, VARIANTS, strict=True)
        if (some := [row for row in rows if row["variant"] == variant])))
    return ["TAP's operators at a skipped step, whole models in bf16, by setting (a star: with guidance):", "",
            *operators, "", "The most that any model asks for with a setting:", "", *most]


def _operators(row: dict | None) -> object:
    """TAP's at a skipped step, and a star with guidance."""
    return "" if row is None else f"{row['skipped']['ours']}{'*' if row['cfg'] > 1 else ''}"


def _most(rows: list[dict]) -> list[object]:
    """Of the model that asks for the most of each."""
    waits = [_named(max((row["waits"][kind] for row in rows), key=len)) for kind in KINDS]
    copies = [max(_to_processor(row[kind]) for row in rows) for kind in KINDS]
    return [*waits, *copies, *(max(len(row[name]) for row in rows) for name in ("doubles", "early"))]


def _to_processor(step: dict) -> int:
    return sum(count for copy, count in step["copies"].items() if copy.startswith("cuda -> cpu"))


def _named(waits: list[str]) -> str:
    """How many, and in which files."""
    files = sorted({wait.partition(" ")[0] for wait in waits})
    return f"{len(waits)}: {', '.join(files)}" if waits else "0"
