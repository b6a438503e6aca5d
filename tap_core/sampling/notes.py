"""Sentences for the report of a run, and whether the run has fallen back."""

import logging
import threading

log = logging.getLogger("tap")


class Notes:
    """said: sentences for the report, each once. fell_back: whether every step is computed in full from now on."""

    def __init__(self, said: list[str]) -> None:
        self._lock = threading.Lock()
        self.said, self.fell_back = said, False

    def note(self, reason: str) -> None:
        """Note why something ran in full; model calls in several threads may do so at the same time."""
        with self._lock:
            if reason in self.said:
                return
            self.said.append(reason)
        log.warning("TAP: %s", reason)

    def fall_back(self, reason: str) -> None:
        """Compute everything in full from here on, and note why, once."""
        if not self.fell_back:
            self.fell_back = True
            self.note(reason)
