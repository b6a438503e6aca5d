"""Events to the browser, on a thread of their own: sampling hands them over and goes on."""

import logging
import queue
import threading
from collections.abc import Callable

Event = dict[str, object]
Send = Callable[[Event], None]

# An event tells all that is known, so that a later one makes an earlier one superfluous.
WAITING = 2
# Seconds between two events: ten a second are as many as an eye follows.
PAUSE = 0.1

log = logging.getLogger("tap")


class LiveQueue:
    """Takes events without ever waiting; those that come faster than they can be sent are dropped."""

    def __init__(self, send: Send, pause: float = PAUSE) -> None:
        self.dropped = 0
        self._send, self._pause = send, pause
        self._events: queue.Queue[Event | None] = queue.Queue(WAITING)
        self._ended = threading.Event()
        threading.Thread(target=self._work, name="tap-live", daemon=True).start()

    def put(self, event: Event) -> None:
        """Hand over one event, or drop it if others still wait."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def end(self, event: Event) -> None:
        """The last event, which is not dropped: it takes the place of those that wait."""
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
            except Exception:  # whatever the server does, sampling goes on
                log.debug("TAP: an event for the browser was lost", exc_info=True)
            self._ended.wait(self._pause)

