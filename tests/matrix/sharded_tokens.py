"""Tokens shared out among processes, as sequence-parallel packs do it: each holds some of every token tensor."""

from __future__ import annotations

import multiprocessing
import tempfile
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pool_settings import PoolSettings
from tap_pack.tap_core.predictors import FAMILIES
from tap_pack.tap_core.step import Forecast, skipped_step

from trajectories import even_timeline, history_of, noise, polynomial

PROCESSES, TOKENS, STEPS = 2, 24, 20
ASKED, PAST = 14.0, (12.0, 8.0, 4.0, 0.0)
SELECTIONS = ("best", "blend", "one for all", "random")


def pools() -> dict[str, PoolSettings]:
    """One pool of each family, and the usual one with every selection."""
    made = {name: PoolSettings(families=(name,)) for name in FAMILIES}
    made |= {f"selection: {name}": PoolSettings(selection=name) for name in SELECTIONS}
    return made | {"dicache, one for all": PoolSettings(families=("dicache",), dicache_per_token=False)}


def forecast(settings: PoolSettings, tokens: slice) -> Forecast:
    """A skipped step of which this process has these tokens."""
    parts = [noise((2, TOKENS, 16), seed, torch.float32)[:, tokens] * 0.5**seed for seed in range(3)]
    path = polynomial(parts, even_timeline(STEPS, "sigma"))
    history = history_of(PAST, path, lambda position: path(position).sin())
    # Some tokens go on as they came, others do not: one choice for all would be another one for some.
    unrest = torch.linspace(0, 0.1, TOKENS)[tokens, None] * noise((2, TOKENS, 16), 7, torch.float32)[:, tokens]
    probe = path(ASKED) + unrest
    grid = (1, 4, 6) if tokens == slice(0, TOKENS) else (1, 4 // PROCESSES, 6)
    return skipped_step(
        history, ASKED, probe, settings.pool(), even_timeline(STEPS), "cosine", settings.selector(), grid)


def local_pools() -> set[str]:
    """Names of the pools of which two processes choose and forecast for their tokens what one does for all."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        answers = context.Queue()
        workers = [context.Process(target=_work, args=(rank, folder, answers)) for rank in range(PROCESSES)]
        for worker in workers:
            worker.start()
        found = answers.get(timeout=120)
        for worker in workers:
            worker.join(timeout=60)
        assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    return found


def _work(rank: int, folder: str, answers: multiprocessing.Queue) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=(Path(folder) / "meet").as_uri(), rank=rank, world_size=PROCESSES,
        timeout=timedelta(seconds=60))
    size = TOKENS // PROCESSES
    local = {name for name, settings in pools().items() if _agrees(settings, slice(rank * size, (rank + 1) * size))}
    if rank == 0:
        answers.put(local)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def _agrees(settings: PoolSettings, tokens: slice) -> bool:
    """Whether the parts of all processes, put together, are what one process makes."""
    try:
        mine, whole = forecast(settings, tokens), forecast(settings, slice(0, TOKENS))
    except TapError:
        return False
    return all(_together(part).equal(alone.double()) for part, alone in
               ((mine.choice, whole.choice), (mine.target, whole.target), (mine.loss, whole.loss)))


def _together(part: torch.Tensor) -> torch.Tensor:
    # gloo knows no short integers.
    parts = [torch.empty(part.shape, dtype=torch.float64) for _ in range(PROCESSES)]
    torch.distributed.all_gather(parts, part.double().contiguous())
    return torch.cat(parts, dim=1)
