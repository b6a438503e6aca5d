"""Runs many small jobs that give rows: in this process, or as Ray tasks on this machine or a cluster."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Row = dict[str, object]
# A job names its work as "module.function", so that a worker finds it by itself.
Job = dict[str, object]
Runner = Callable[[Sequence[Job]], Iterator[Row]]

BENCH = Path(__file__).resolve().parent
# Where workers look for what jobs name.
PATHS = [str(BENCH)]
# How often Ray starts a task again whose worker was killed.
RETRIES = 3


def rows_of(job: Job) -> Iterable[Row]:
    """The rows of a job, one after another. Workers keep what is costly to load from job to job."""
    module, _, function = str(job["work"]).rpartition(".")
    return getattr(importlib.import_module(module), function)(job)


def here(jobs: Sequence[Job]) -> Iterator[Row]:
    """One job after another in this process."""
    for job in jobs:
        yield from rows_of(job)


@contextmanager
def on_ray(workers: int | None, address: str | None, threads: int = 1) -> Iterator[Runner]:
    """A runner on so many local workers, or on the cluster at an address, where this folder has the same place."""
    import ray

    local = {} if address else {"num_cpus": workers, "include_dashboard": False}
    # Its notice that it counts who uses it is not for a benchmark.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    worker = {"PYTHONPATH": os.pathsep.join(PATHS), "OMP_NUM_THREADS": str(threads)}
    ray.init(address=address, runtime_env={"env_vars": worker}, log_to_driver=False, logging_level="error", **local)
    try:
        yield as_tasks
    finally:
        ray.shutdown()


def as_tasks(jobs: Sequence[Job]) -> Iterator[Row]:
    """Rows in the order in which tasks finish; the task of a killed worker is started again.

    A job that fails by itself is told at the end, when the others are done.
    """
    import ray

    task = ray.remote(max_retries=RETRIES)(_rows_in_worker)
    open_tasks = {task.remote(job): job for job in jobs}
    failed: list[str] = []
    while open_tasks:
        (done,), _ = ray.wait(list(open_tasks), num_returns=1)
        job = open_tasks.pop(done)
        try:
            yield from ray.get(done)
        except ray.exceptions.RayError as error:
            failed.append(f"{job.get('name', job['work'])}: {str(error).strip().splitlines()[-1]}")
    if failed:
        raise RuntimeError("Some jobs failed; the rows of the others are kept. " + " / ".join(failed))


def _rows_in_worker(job: Job) -> list[Row]:
    return list(rows_of(job))
