"""Work that two processes do together, joined by torch.distributed on this machine."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor

from waiting import PATIENCE

PROCESSES = 2
Found = TypeVar("Found")


def can_fork() -> bool:
    """Whether this system can fork."""
    return "fork" in multiprocessing.get_all_start_methods()


def in_two_processes(work: Callable[[int], Found]) -> list[Found]:
    """What `work(rank)` returns in each, without tensors. Raises AssertionError with the error of one that failed."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        answers = context.Queue()
        workers = [context.Process(target=_work, args=(work, rank, folder, answers)) for rank in range(PROCESSES)]
        for worker in workers:
            worker.start()
        found = dict(answers.get(timeout=2 * PATIENCE) for _ in workers)
        for worker in workers:
            worker.join(timeout=PATIENCE)
    failed = [answer for answer in found.values() if isinstance(answer, str)]
    assert not failed, failed[0]
    return [found[rank] for rank in range(PROCESSES)]


def joined(part: Tensor, dim: int = 1) -> Tensor:
    """The parts of all processes, joined in the order of their ranks."""
    parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(PROCESSES)]
    torch.distributed.all_gather(parts, part.contiguous())
    return torch.cat(parts, dim)


def share_of(whole: Tensor, rank: int, dim: int = 1) -> Tensor:
    """The part of one process."""
    return whole.chunk(PROCESSES, dim)[rank]


def _work(work: Callable[[int], Found], rank: int, folder: str, answers: multiprocessing.Queue) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=(Path(folder) / "meet").as_uri(), rank=rank, world_size=PROCESSES,
        timeout=timedelta(seconds=PATIENCE))
    try:
        with torch.inference_mode():
            answers.put((rank, work(rank)))
    except Exception as error:
        answers.put((rank, f"process {rank}: {type(error).__name__}: {error}"))
        raise SystemExit(1) from error
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
