"""Why a command cannot go on, in words for the person who typed it."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable


class Problem(Exception):
    """One line: what is wrong and what to do about it. Commands print it without a traceback."""


NO_SPACE = "No space is left on the disk. Free about 7 GB, then run the same command again: it carries on."


def run_command(main: Callable[[], int | None]) -> None:
    """Runs a command and ends the program; a Problem, a full disk and Ctrl-C print one clear line."""
    try:
        sys.exit(main())
    except Problem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command carries on from here.")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(NO_SPACE)
