"""`--matrix`: prints the compatibility matrix after its tests, and puts the short one into the page of the bridge."""

from __future__ import annotations

import comfyui_version
import pytest
import torch

FOUND: dict[tuple[str, str], str] = {}

# The rows name nodes and samplers that ComfyUI has since 0.30.
collect_ignore_glob = ["test_*.py"] if tuple(map(int, comfyui_version.__version__.split(".")[:2])) < (0, 30) else []

torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--matrix`."""
    parser.addoption("--matrix", action="store_true", help="print the matrix, and put it on the page of the bridge")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes what a row found."""
    noted = dict(report.user_properties)
    if report.when == "call" and "row" in noted:
        FOUND[noted["row"], noted["model"]] = noted.get("found", "") if report.passed else "FAILED"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Shows the matrix."""
    if not config.getoption("--matrix", False):
        return
    from matrix_show import PAGE, full_table, put_into, short_table
    from matrix_table import CASES, ROWS

    terminalreporter.write_line(full_table(ROWS, FOUND))
    if len(FOUND) == len(CASES) and "FAILED" not in FOUND.values():
        put_into(PAGE, short_table(ROWS))
        terminalreporter.write_line(f"Written to {PAGE}.")
