"""Says in one line if the running Python does not fit; simple enough for Python 3.6 to read it."""

import shutil
import sys

OLDEST = (3, 10)
NEWEST = (3, 13)


def version_complaint(version: tuple, newest: tuple = NEWEST) -> str:
    """One line that says which Python to use instead; "" if this one fits."""
    if OLDEST <= tuple(version[:2]) <= newest:
        return ""
    found = [name for name in ("python3.13", "python3.12", "python3.11", "python3.10") if shutil.which(name)]
    hint = f"start again with {found[0]}, which is on this machine" if found else "install one, then start again"
    return f"This is Python {version[0]}.{version[1]}, and Python 3.10 to 3.13 is needed: {hint}."


def require_python() -> None:
    """Ends the program with that line if the running Python is too old to read the other files."""
    complaint = version_complaint(sys.version_info, newest=sys.version_info[:2])
    if complaint:
        sys.exit(complaint)
