"""Programs outside Python: on Debian and Ubuntu, they are installed if they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from .problem import Problem


def require_tools(tools: Mapping[str, Sequence[str]]) -> None:
    """Installs what is missing. tools: name of the Debian package -> its possible programs; one is enough."""
    missing = [package for package, programs in tools.items() if not any(map(shutil.which, programs))]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.name != "posix" or os.geteuid() != 0:
        raise Problem(f"{' and '.join(missing)} cannot be found: install it, then run the same command again.")
    print(f"Installing {' and '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        ran = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, errors="replace")
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().rpartition("\n")[2]
            raise Problem(f"apt-get could not install {' and '.join(missing)}: {said}")
