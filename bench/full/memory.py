"""Resident memory of this process, as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """The next peak begins now."""
    if RESET.exists():
        RESET.write_text("5")


def peak_bytes() -> int | None:
    """Most that was resident since then; None where it is not counted."""
    return _bytes_of("VmHWM")


def _bytes_of(name: str) -> int | None:
    if not STATUS.exists():
        return None
    return 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(encoding="utf-8"), re.M)[1])
