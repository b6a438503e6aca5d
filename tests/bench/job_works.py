"""Works of small jobs, which workers find by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path


def squares(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Two rows: the square of a number, and whether it is even."""
    number = int(job["number"])
    yield {"number": number, "what": "square", "value": number**2}
    yield {"number": number, "what": "even", "value": number % 2 == 0}


def dies_once(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Kills its worker the first time, as running out of memory would."""
    mark = Path(str(job["mark"]))
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield {"number": job["number"], "what": "square", "value": int(job["number"]) ** 2}


def fails(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """Gives a row, then fails."""
    yield {"number": job["number"], "what": "square", "value": 0}
    raise ValueError("no such picture")
