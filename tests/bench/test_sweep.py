"""Two local Ray workers give the same table as one process, and lose no finished row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jobs
import pytest
from jobs import Job, Runner, here
from row_file import RowFile

SQUARES: list[Job] = [{"work": "job_works.squares", "name": str(n), "number": n} for n in range(6)]
KEY = ("number", "what")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Runner]:
    """A runner on two local workers, which find the jobs of the tests too."""
    here_too = str(Path(__file__).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(here_too)
        patch.setattr(jobs, "PATHS", [str(jobs.BENCH), here_too])
        with jobs.on_ray(2, None) as runner:
            yield runner


def table(rows: list[dict[str, object]]) -> list[tuple[str, ...]]:
    """Sorted, as rows come in any order."""
    return sorted(tuple(str(value) for value in row.values()) for row in rows)


def test_two_workers_give_the_rows_of_one_process(two_workers: Runner) -> None:
    rows = list(two_workers(SQUARES))
    assert len(rows) == 12
    assert table(rows) == table(list(here(SQUARES)))


def test_a_killed_worker_loses_no_row(two_workers: Runner, tmp_path: Path) -> None:
    dying: Job = {"work": "job_works.dies_once", "name": "dying", "number": 9, "mark": str(tmp_path / "mark")}
    rows = RowFile(tmp_path / "rows.csv", (*KEY, "value"), KEY)
    for row in two_workers([*SQUARES, dying]):
        rows.add(row)
    assert (tmp_path / "mark").exists()
    assert len(rows.rows) == 13
    assert {"number": "9", "what": "square", "value": "81"} in rows.rows


def test_a_failing_job_is_told_when_the_others_are_kept(two_workers: Runner) -> None:
    failing: Job = {"work": "job_works.fails", "name": "the failing one", "number": 7}
    kept = []
    with pytest.raises(RuntimeError, match=r"the failing one: .*no such picture"):
        for row in two_workers([failing, *SQUARES]):
            kept.append(row)
    assert table(kept) == table(list(here(SQUARES)))
