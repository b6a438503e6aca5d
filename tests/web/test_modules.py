"""The browser's pure modules, run by Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def test_the_modules_of_the_browser() -> None:
    node = shutil.which("node")
    assert node, "Node is missing: install it (Debian: nodejs), then run the tests again."
    files = sorted(map(str, FOLDER.glob("*.test.mjs")))
    assert files
    ran = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
