"""Every problem is reported in one line."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from tap_pack.demo.launch.problem import NO_SPACE, Problem, run_command
from tap_pack.demo.launch.run_pip import explain_failure, in_short
from tap_pack.demo.launch.virtual_env import explain_venv_failure


def raiser(error: BaseException) -> object:
    """A command that ends with this error."""

    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Problem("too bad"), "too bad"),
        (OSError(errno.ENOSPC, "No space left on device"), NO_SPACE),
        (KeyboardInterrupt(), "Stopped. The same command carries on from here."),
    ],
)
def test_a_command_ends_with_one_line(error: BaseException, line: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(raiser(error))
    assert ended.value.code == line


def test_an_error_in_our_code_keeps_its_traceback() -> None:
    with pytest.raises(OSError, match="nothing there"):
        run_command(raiser(OSError(errno.ENOENT, "nothing there")))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "Free about 7 GB"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'",
            "cannot be reached",
        ),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("Collecting x\nERROR: first\nERROR: No matching distribution found for x", "No matching distribution found"),
        ("something odd\nKilled", "Killed"),
    ],
)
def test_failures_of_pip_in_one_line(output: str, said: str) -> None:
    line = explain_failure(output, Path("a.log"))
    assert said in line
    assert "\n" not in line


def test_without_ensurepip_it_says_what_to_install() -> None:
    said = explain_venv_failure(
        "The virtual environment was not created successfully because ensurepip is not\navailable."
    )
    assert "-venv" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("Collecting torch==2.11.0\n", "Collecting torch==2.11.0"),
        ("  Downloading torch-2.11.0.whl (530.6 MB)\n", "Downloading torch-2.11.0.whl (530.6 MB)"),
        ("Installing collected packages: a, b, c\n", "unpacking 3 packages"),
        ("Requirement already satisfied: a\n", ""),
        ("\n", ""),
    ],
)
def test_lines_of_pip_in_short(line: str, short: str) -> None:
    assert in_short(line) == short
