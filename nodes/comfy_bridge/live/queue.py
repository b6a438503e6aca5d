"""Events to the browser, sent from their own thread: the run puts them into a queue and goes on."""

import logging
import queue
import threading
from collections.abc import Callable

Event = dict[str, object]
Send = Callable[[Event], None]

# Each event holds everything, so a later event replaces an earlier one.
WAITING = 2
# Seconds between two events: the eye cannot follow more than ten a second.
PAUSE = 0.1

log = logging.getLogger("tap")


class LiveQueue:
    """Takes events and never waits; events that come faster than they can be sent are dropped."""

    def __init__(self, send: Send, pause: float = PAUSE) -> None:
        self.dropped = 0
        self._send, self._pause = send, pause
        self._events: queue.Queue[Event | None] = queue.Queue(WAITING)
        self._ended = threading.Event()
        threading.Thread(target=self._work, name="tap-live", daemon=True).start()

    def put(self, event: Event) -> None:
        """Queue one event, or drop it if others still wait."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def end(self, event: Event) -> None:
        """Queue the last event, which replaces all that wait and is not dropped."""
        while True:
            try:
                self._events.get_nowait()
                self.dropped += 1
            except queue.Empty:
                break
        self._ended.set()
        self._events.put_nowait(event)
        self._events.put_nowait(None)

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._send(event)
            except Exception:  # an error in the server must not end the run
                log.debug("TAP: an event for the browser was lost", exc_info=True)
            self._ended.wait(self._pause)

