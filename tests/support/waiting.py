"""How long tests wait. A slow or busy machine may need it; otherwise only a fault makes a test wait so long."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds.
PATIENCE = 120


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Returns whether something held before the time was up, as soon as it is known."""
    end = time.monotonic() + seconds
    while not (held := bool(holds())) and time.monotonic() < end:
        time.sleep(0.01)
    return held
