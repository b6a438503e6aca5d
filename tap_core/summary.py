"""A run in words."""

from .record import TapRecord


def summary_line(record: TapRecord) -> str:
    """One line for the log."""
    return f"{len(record.full_steps)} of {record.steps} steps computed"
