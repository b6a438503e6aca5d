"""Works of small jobs, which workers find by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path


def squares(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Two rows: the square of a number, and whether it is even."""
    number = int(job["number"])
    yield {"number": number, "what": "square", "value": number**2}
    yield {"number": number, "what": "even", "value": number % 2 == 0}


def dies_once(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Kills its worker between its two rows the first time, as running out of memory would.

    `runs` says how often it was started, `kept` is where whoever collects rows says that the first one is there.
    """
    runs, kept = Path(str(job["runs"])), Path(str(job["kept"]))
    with runs.open("a", encoding="utf-8") as file:
        file.write("x")
    yield {"number": job["number"], "what": "square", "value": int(job["number"]) ** 2}
    if runs.stat().st_size == 1:
        while not kept.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
    yield {"number": job["number"], "what": "even", "value": int(job["number"]) % 2 == 0}


def fails(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Gives a row, then fails."""
    yield {"number": job["number"], "what": "square", "value": 0}
    raise ValueError("no such picture")
