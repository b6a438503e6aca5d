"""Two local Ray workers give the same table as one process, and lose no finished row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from figures import jobs
from figures.jobs import Job, Runner, here
from figures.row_file import RowFile

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
    """It is killed once its first row is in the file; that row stays, and the second comes from the retry."""
    runs, kept = tmp_path / "runs", tmp_path / "kept"
    dying: Job = {"work": "job_works.dies_once", "name": "dying", "number": 9, "runs": str(runs), "kept": str(kept)}
    rows, given = RowFile(tmp_path / "rows.csv", (*KEY, "value"), KEY), []
    for row in two_workers([dying, *SQUARES]):
        rows.add(row)
        given.append(row)
        if row["number"] == 9:
            kept.touch()
    assert runs.read_text(encoding="utf-8") == "xx"
    assert len(rows.rows) == len(given) == 14
    wanted = [{"number": 9, "what": "square", "value": 81}, {"number": 9, "what": "even", "value": False}]
    assert table(given) == table([*here(SQUARES), *wanted])


def test_a_failing_job_is_told_when_all_finished_rows_are_kept(two_workers: Runner) -> None:
    failing: Job = {"work": "job_works.fails", "name": "the failing one", "number": 7}
    kept = []
    with pytest.raises(RuntimeError, match=r"the failing one: .*no such picture"):
        for row in two_workers([failing, *SQUARES]):
            kept.append(row)
    # Its own first row too.
    assert table(kept) == table([*here(SQUARES), {"number": 7, "what": "square", "value": 0}])
