"""An old Python gets one clear line."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from tap_pack.demo.launch.python_version import version_complaint

PRETEND = """
import runpy, sys
script = sys.argv[1]
sys.argv, sys.path[0], sys.version_info = [script], script.rpartition("/")[0], (3, 8, 1, "final", 0)
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
def test_supported_python_is_accepted(minor: int) -> None:
    assert version_complaint((3, minor, 0)) == ""


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 9, 20), (3, 14, 0)])
def test_other_python_gets_one_line_with_both_versions(version: tuple[int, int, int]) -> None:
    complaint = version_complaint(version)
    assert f"Python {version[0]}.{version[1]}," in complaint
    assert "3.10 to 3.13" in complaint
    assert "\n" not in complaint


def test_a_fitting_python_on_the_path_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/somewhere/{name}" if name == "python3.11" else None)
    assert "start again with python3.11" in version_complaint((3, 9, 0))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "install one" in version_complaint((3, 9, 0))


@pytest.mark.parametrize("script", ["demo/run.py", "tests/run.py"])
def test_both_commands_stop_with_only_that_line(repository: Path, script: str) -> None:
    path = (repository / script).as_posix()
    ran = subprocess.run([sys.executable, "-c", PRETEND, path], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.strip() == version_complaint((3, 8), newest=(3, 8))
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "file", ["demo/run.py", "tests/run.py", "demo/launch/__init__.py", "demo/launch/python_version.py"]
)
def test_an_old_python_can_read_the_first_files(repository: Path, file: str) -> None:
    ast.parse((repository / file).read_text(encoding="utf-8"), feature_version=(3, 6))
    assert "from __future__" not in (repository / file).read_text(encoding="utf-8")
