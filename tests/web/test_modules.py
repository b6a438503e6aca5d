"""The browser's pure modules, run by Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def test_the_modules_of_the_browser(repository: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "Node is missing: install it (Debian: nodejs), then run the tests again."
    # A copy: a browser takes .js files as modules, but older Nodes only if a package.json says so.
    shutil.copytree(repository / "web", tmp_path / "web")
    shutil.copytree(FOLDER, tmp_path / "tests" / "web", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    tests = sorted((tmp_path / "tests" / "web").glob("*.test.mjs"))
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    assert tests
    ran = subprocess.run([node, "--test", *map(str, tests)], capture_output=True, encoding="utf-8", timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
