"""How many processor cores this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """As taskset or a container leave it, which `os.cpu_count()` does not see; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
