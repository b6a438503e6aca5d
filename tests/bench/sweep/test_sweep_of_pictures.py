"""A sweep of pictures: workers of its own, so no others may be running."""

from __future__ import annotations

import csv
from pathlib import Path

from real import command as real
from sweep import command as sweep

REAL = ["real", "--model", "demo", "--size", "64", "--steps", "8", "--count", "2", "--intervals", "3", "--floor", "1",
        "--metrics", "psnr", "ssim"]


def pictures(folder: Path) -> list[dict[str, str]]:
    """Rows of the pictures but for the times."""
    with (folder / "pictures.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: value for name, value in row.items() if name not in ("seconds", "speed_up")}
                for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: (row["index"], row["method"], row["interval"]))


def test_a_sweep_of_pictures_is_the_same_on_two_workers_and_in_one_process(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    sweep.run(["--workers", "0", *REAL, "--threads", "1", "--output", str(one)])
    sweep.run(["--workers", "2", *REAL, "--threads", "1", "--output", str(two)])
    assert len(pictures(one)) == 2 * 3 + 1
    assert pictures(one) == pictures(two)
    # Nothing is left to do.
    before = (two / "pictures.csv").read_bytes()
    real.run([*REAL[1:], "--threads", "1", "--output", str(two)])
    assert (two / "pictures.csv").read_bytes() == before
