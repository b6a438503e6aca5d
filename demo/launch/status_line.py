"""Shows that something slow is running: one line that changes on a terminal, a new line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO


class StatusLine:
    """Shows the seconds since its start and what is happening now."""

    def __init__(self, stream: TextIO | None = None, every: float = 15.0) -> None:
        self.stream = stream or sys.stdout
        self.every = every
        self.started = time.monotonic()
        self.shown = -every

    def seconds(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    def show(self, text: str, at_once: bool = False) -> None:
        """Shows what is happening now; at_once: print it now, because nothing else will be shown for a while."""
        seconds = self.seconds()
        line = f"  {seconds:4.0f} s  {text}"
        if self.stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self._write("\r" + line[:width].ljust(width))
        elif at_once or seconds - self.shown >= self.every:
            self.shown = seconds
            self._write(line + "\n")

    def end(self, text: str) -> None:
        """Prints one last line, which stays."""
        self.clear()
        self._write(f"  {self.seconds():4.0f} s  {text}\n")

    def clear(self) -> None:
        """Removes the line, to make place for other text."""
        if self.stream.isatty():
            self._write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
