"""`bench/run.py`: its list of benchmarks, and what it says to a mistake."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("repository")


def ask(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, in a Python that has no packages on its path."""
    command = [sys.executable, "-S", str(repository / "bench" / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def benchmarks(repository: Path) -> dict[str, tuple[list[str], str]]:
    """The list."""
    spec = importlib.util.spec_from_file_location("bench_run", repository / "bench" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.BENCHMARKS


def test_every_name_has_a_script_and_known_extras(repository: Path) -> None:
    from tap_pack.demo.launch.prepare import read_extras

    for name, (extras, about) in benchmarks(repository).items():
        assert (repository / "bench" / name / "command.py").is_file(), name
        assert (repository / "bench" / name / "README.md").is_file(), name
        assert about
        read_extras(extras, repository)


def test_without_a_name_it_lists_what_there_is(repository: Path) -> None:
    listed = ask(repository)
    assert listed.returncode == 0, listed.stderr
    for name, (_, about) in benchmarks(repository).items():
        assert name in listed.stdout and about in listed.stdout


def test_an_unknown_name_gets_one_clear_line(repository: Path) -> None:
    refused = ask(repository, "speed")
    assert refused.returncode != 0
    assert refused.stderr.startswith("There is no benchmark called speed; choose one of demo, cost, memory")
    assert "Traceback" not in refused.stderr
