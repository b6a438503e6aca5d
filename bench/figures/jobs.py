"""Runs many small jobs that give rows: in this process, or as Ray tasks on this machine or a cluster."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from figures.places import BENCH

Row = dict[str, object]
# A job names its work as "module.function", so that a worker finds it by itself.
Job = dict[str, object]
Runner = Callable[[Sequence[Job]], Iterator[Row]]

# Where workers look for what jobs name.
PATHS = [str(BENCH)]
# How often Ray starts a task again whose worker was killed.
RETRIES = 3


def rows_of(job: Job) -> Iterator[Row]:
    """The rows of a job, one after another. Workers keep what is costly to load from job to job."""
    module, _, function = str(job["work"]).rpartition(".")
    yield from getattr(importlib.import_module(module), function)(job)


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
    # Without an address Ray would join a cluster that somebody else runs on this machine.
    ray.init(address=address or "local", runtime_env={"env_vars": worker}, log_to_driver=False, logging_level="error",
             **local)
    try:
        yield as_tasks
    finally:
        ray.shutdown()


def as_tasks(jobs: Sequence[Job]) -> Iterator[Row]:
    """Rows as they come, each at once, so that no finished row is lost when a worker ends.

    The task of a killed worker is started again; rows that it gave before are not given twice. A job that fails by
    itself is told at the end, when the others are done.
    """
    import ray

    task = ray.remote(max_retries=RETRIES, num_returns="streaming")(rows_of)
    open_tasks = {task.remote(job): job for job in jobs}
    failed: list[str] = []
    while open_tasks:
        (ready,), _ = ray.wait(list(open_tasks), num_returns=1)
        try:
            yield ray.get(next(ready))
        except StopIteration:
            del open_tasks[ready]
        except ray.exceptions.RayError as error:
            job = open_tasks.pop(ready)
            failed.append(f"{job.get('name', job['work'])}: {str(error).strip().splitlines()[-1]}")
    if failed:
        raise RuntimeError("Some jobs failed; all rows that were finished are kept. " + " / ".join(failed))
