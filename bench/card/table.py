"""The table of a card."""

from __future__ import annotations

from figures.table import table

GIGA = 1e9


def markdown(found: dict) -> str:
    """A line a row; speed-ups over the stock run with the same weights, compiled alike."""
    rows = found["rows"]
    stock = {_kind(row): row["seconds"] for row in rows if row["way"] == "stock"}
    head = ("model", "card", "weights", "compiled", "setting", "seconds", "full steps", "faster", "full steps alone",
            "reached", "GB at the peak", "launches, full step", "skipped step", "waits, full step", "skipped step ")
    return "\n".join(table(head, (_line(row, stock[_kind(row)] / row["seconds"]) for row in rows
                                  if _kind(row) in stock)))


def _kind(row: dict) -> tuple[object, ...]:
    return tuple(row[name] for name in ("model", "device", "steps", "weights", "compiled"))


def _line(row: dict, faster: float) -> tuple[object, ...]:
    bound, peak = row["steps"] / row["full_steps"], row["peak_bytes"]
    of_steps = [f"{row['launches'][kind][what]:.0f}" if kind in row["launches"] else ""
                for what in ("launches", "waits") for kind in ("full", "skipped")]
    return (row["model"], row["device"], row["weights"], "yes" if row["compiled"] else "no", row["way"],
            f"{row['seconds']:.2f}", f"{row['full_steps']} of {row['steps']}", f"{faster:.2f}", f"{bound:.2f}",
            f"{faster / bound:.3f}", f"{peak / GIGA:.1f}" if peak is not None else "", *of_steps)
