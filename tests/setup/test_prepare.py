"""A set-up from nothing with pip itself, and what happens when it stops half-way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tap_pack.demo.launch import prepare as prepare_module
from tap_pack.demo.launch.prepare import Place, prepare, read_extras, repair
from tap_pack.demo.launch.problem import Problem
from tap_pack.demo.launch.status_line import StatusLine
from tap_pack.demo.launch.virtual_env import STAMP, python_in, read_stamp

from package_shelf import write_wheel


def site_packages(clone: Path) -> Path:
    """The folder with the packages of the clone's environment."""
    return next(path for path in (clone / ".venv").rglob("site-packages") if path.is_dir())


def test_a_second_call_goes_on_and_a_third_has_nothing_to_do(clone: Path, shelf: Path) -> None:
    with pytest.raises(Problem, match=r"tap_stand_in_torch==2\.11\.0"):
        prepare(root=clone)
    assert not (clone / ".venv" / STAMP).exists()
    untouched = clone / ".comfyui" / "untouched"
    untouched.touch()
    made = (clone / ".venv" / "pyvenv.cfg").stat().st_mtime_ns

    write_wheel(shelf, "tap_stand_in_torch", "2.11.0")
    place = prepare(root=clone)
    assert place == Place(python_in(clone / ".venv"), clone / ".comfyui")
    assert untouched.exists()
    assert (clone / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made
    assert (site_packages(clone) / "tap_stand_in.py").exists()
    assert read_stamp(clone / ".venv") == {"tap_stand_in_torch==2.11.0", "tap-stand-in>=1"}

    shutil.rmtree(shelf)
    assert prepare(root=clone) == place
    with pytest.raises(Problem, match="tap-stand-in-tool"):
        prepare(extras=["tests"], root=clone)


def test_a_package_with_missing_files_is_installed_again(clone: Path, shelf: Path) -> None:
    write_wheel(shelf, "tap_stand_in_torch", "2.11.0")
    place = prepare(root=clone)
    lost = site_packages(clone) / "tap_stand_in.py"
    lost.unlink()
    repair(place.python, clone / "log", StatusLine())
    assert lost.exists()


def test_an_environment_whose_python_is_gone_is_made_again(clone: Path, shelf: Path) -> None:
    write_wheel(shelf, "tap_stand_in_torch", "2.11.0")
    place = prepare(root=clone)
    place.python.unlink()
    assert prepare(root=clone) == place
    assert subprocess.run([str(place.python), "-c", "import tap_stand_in_torch"]).returncode == 0


def test_half_a_comfyui_is_fetched_again(clone: Path, shelf: Path) -> None:
    write_wheel(shelf, "tap_stand_in_torch", "2.11.0")
    prepare(root=clone)
    (clone / ".comfyui" / "main.py").unlink()
    prepare(root=clone)
    assert (clone / ".comfyui" / "main.py").exists()


def test_without_a_network_both_calls_end_with_one_line(clone: Path, repository: Path, no_network: None) -> None:
    shutil.copytree(repository / "demo" / "launch", clone / "demo" / "launch")
    shutil.copy(repository / "demo" / "run.py", clone / "demo" / "run.py")
    launched = clone / "demo" / "launch" / "prepare.py"
    text = launched.read_text(encoding="utf-8")
    needed = f"NEEDED_GB = {prepare_module.NEEDED_GB}\n"
    assert needed in text  # the disk of the machine decides nothing here
    launched.write_text(text.replace(needed, "NEEDED_GB = 0\n"), encoding="utf-8")
    for _ in range(2):
        ran = subprocess.run([sys.executable, str(clone / "demo" / "run.py")], capture_output=True, text=True)
        assert ran.returncode == 1
        assert ran.stderr.startswith("The Python package index cannot be reached.")
        assert ran.stderr.count("\n") == 1
        assert "Traceback" not in ran.stdout
    assert python_in(clone / ".venv").exists()


def test_too_little_space_is_reported_before_anything_is_made(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_module.shutil, "disk_usage", lambda path: SimpleNamespace(free=2.5e9))
    with pytest.raises(Problem, match=r"2\.5 GB are free .* needs 7 GB") as said:
        prepare(root=clone)
    assert "\n" not in str(said.value)
    assert [path.name for path in clone.iterdir()] == ["pyproject.toml"]


def test_comfyui_path_must_name_a_comfyui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"there is no ComfyUI.*main\.py"):
        prepare()


def test_comfyui_path_uses_the_running_python(comfyui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMFYUI_PATH", os.path.relpath(comfyui))
    assert prepare(["tests"]) == Place(Path(sys.executable), comfyui)


def test_comfyui_path_with_a_python_that_lacks_packages(
    clone: Path, comfyui: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMFYUI_PATH", str(comfyui))
    with pytest.raises(Problem, match="has no tap-stand-in-tool"):
        prepare(["tests"], root=clone)


def test_extras_are_read_as_a_toml_reader_reads_them(repository: Path) -> None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        from pip._vendor import tomli as tomllib
    listed = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, requirements in listed["optional-dependencies"].items():
        assert read_extras([name], repository) == requirements
