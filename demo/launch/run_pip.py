"""Runs pip, shows in a few words what it does, and reports its failures in one clear line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .problem import NO_SPACE, Problem
from .status_line import StatusLine

NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|NameResolutionError|Failed to establish a new"
    r"|Temporary failure in name resolution|getaddrinfo failed|Network is unreachable|Connection (refused|reset)"
)
FULL_DISK = re.compile(r"No space left on device|\[Errno 28\]|not enough space on the disk")
QUIET_PIP = {"PIP_PROGRESS_BAR": "off", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run_pip(python: Path, arguments: Sequence[str], log: Path, status: StatusLine) -> None:
    """Runs `python -m pip arguments`; its full output is added to the log file."""
    lines = []
    command = [str(python), "-m", "pip", *arguments]
    environment = {**os.environ, **QUIET_PIP}
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as pip,
    ):
        for line in pip.stdout:
            file.write(line)
            lines.append(line)
            if text := in_short(line):
                status.show(text, at_once=text.startswith("unpacking"))
    if pip.returncode:
        status.clear()
        raise Problem(explain_failure("".join(lines), log))


def in_short(line: str) -> str:
    """A line of pip in a few words; "" if it tells a person nothing."""
    words = line.split()
    if not words or words[0] not in ("Collecting", "Downloading", "Using", "Building", "Installing"):
        return ""
    if line.startswith("Installing collected packages"):
        return f"unpacking {line.count(',') + 1} packages"
    return " ".join(words)


def explain_failure(output: str, log: Path) -> str:
    """What went wrong, from pip's own words."""
    if FULL_DISK.search(output):
        return NO_SPACE
    if NO_NETWORK.search(output):
        return (
            "The Python package index cannot be reached. Check the network (or the proxy), then run the same command "
            "again: it carries on where it stopped."
        )
    errors = [line.strip() for line in output.splitlines() if line.startswith("ERROR")]
    last = errors[-1] if errors else output.strip().rpartition("\n")[2]
    return f"pip stopped with: {last} (all of it is in {log})"
