"""Time and memory of one skipped step at FLUX's size, over one pass through the same tensors.

K snapshots of M tokens x D channels. A pass copies K probes, K targets, the probe, the stream and a forecast once each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

import torch
from tap_pack.tap_core.engine.history import History, Snapshot
from tap_pack.tap_core.engine.step import skipped_step
from tap_pack.tap_core.predictors.pool import Pool, taylor_pool
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor
from tqdm import tqdm

from figures.allocations import watch_allocations
from figures.page import Page
from figures.table import table

TOKENS, CHANNELS, PAST, POSITION = 4096, 3072, (12, 7, 2), 15
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
POOLS = {
    3: taylor_pool([0, 1, 2], 0, 0, 1),
    15: taylor_pool([0, 1, 2], -4, 0, 1),
    300: taylor_pool([1, 2], -2.9, 4.55, 0.05),
}
TIMELINE = Timeline(tuple(1 - i / 50 for i in range(51)))


class Stage:
    """One skipped step and all that it reads: tensors [1, M, D] of a smooth trajectory."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        start, slope = (torch.randn(1, TOKENS, CHANNELS, generator=generator) for _ in range(2))
        self.device = device
        self.past = [(start + 0.02 * step * slope).to(device, dtype) for step in PAST]
        self.targets = [(slope - 0.02 * step * start).to(device, dtype) for step in PAST]
        self.probe = (start + 0.02 * POSITION * slope).to(device, dtype)
        self.stream = self.probe.clone()
        self.buffer = torch.empty_like(self.probe)
        self.history = self.fresh_history()

    def fresh_history(self) -> History:
        """The snapshots, without the dots that are worked out once a full step."""
        history = History(len(PAST))
        for position, probe, target in reversed(list(zip(PAST, self.past, self.targets, strict=True))):
            history.push(Snapshot(position, probe, target))
        return history

    def one_pass(self) -> None:
        """Reads and writes each tensor of a skipped step once."""
        for tensor in (*self.past, *self.targets, self.probe, self.stream, self.probe):
            self.buffer.copy_(tensor)

    def skip(self, pool: Pool) -> Tensor:
        """The stream [1, M, D] after a skipped step."""
        forecast = skipped_step(self.history, POSITION, self.probe, pool, TIMELINE, "cosine")
        return forecast.target.add_(self.stream)


def interleaved(
    works: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Milliseconds of each piece of work, in turn, so that other work on the machine disturbs all of them equally."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in tqdm(range(repeats + 2), unit="turn"):
        for name, work in works.items():
            start = clock()
            work()
            if turn > 1:  # the first two warm up
                times[name].append(1000 * (clock() - start))
    return times


def clock_for(device: torch.device, threads: int) -> tuple[str, Callable[[], float]]:
    """The name of the clock that counts only the time of the work, and that clock."""
    if device.type == "cuda":
        return "wall", lambda: torch.cuda.synchronize() or time.perf_counter()
    # The processor's time leaves out what other processes took, but several threads would count as one after another.
    return ("processor", time.process_time) if threads == 1 else ("wall", time.perf_counter)


def measure(dtype: str, threads: int, repeats: int, device: torch.device) -> dict[str, object]:
    """All figures of one dtype on so many threads."""
    torch.set_num_threads(threads)
    stage = Stage(DTYPES[dtype], device)
    works: dict[str, Callable[[], object]] = {"pass": stage.one_pass}
    works |= {str(count): lambda pool=pool: stage.skip(pool) for count, pool in POOLS.items()}
    works["once"] = lambda: stage.fresh_history().dots(device)
    clock, seconds = clock_for(device, threads)
    times = interleaved(works, repeats, seconds)

    def first_skip(pool: Pool) -> Tensor:
        stage.history = stage.fresh_history()
        return stage.skip(pool)

    token_tensor = TOKENS * CHANNELS * 2
    return {
        "dtype": dtype,
        "threads": threads,
        "clock": clock,
        "milliseconds": {name: {"min": min(t), "median": median(t)} for name, t in times.items()},
        "over_one_pass": {name: min(t) / min(times["pass"]) for name, t in times.items()},
        "300_over_3": min(times["300"]) / min(times["3"]),
        "rows": {str(n): len(p.candidates(PAST, POSITION, TIMELINE).weights) for n, p in POOLS.items()},
        "extra_token_tensors": {
            str(n): watch_allocations(lambda pool=pool: first_skip(pool), device).peak / token_tensor
            for n, pool in POOLS.items()
        },
    }


def markdown(found: dict) -> str:
    """The ratios as a Markdown table."""
    columns = ("dtype", "threads", "clock", "one pass, ms", "3", "15", "300", "300 over 3", "dots, once a full step",
               "extra memory, 3 / 15 / 300")
    rows = []
    for r in found["results"]:
        over, extra = r["over_one_pass"], r["extra_token_tensors"]
        rows.append((r["dtype"], r["threads"], r["clock"], f"{r['milliseconds']['pass']['min']:.1f}",
                     f"{over['3']:.2f}", f"{over['15']:.2f}", f"{over['300']:.2f}", f"{r['300_over_3']:.2f}",
                     f"{over['once']:.2f}", f"{extra['3']:.2f} / {extra['15']:.2f} / {extra['300']:.2f}"))
    return "\n".join(table(columns, rows))


PAGE = Page("engine", markdown)


def run(arguments: list[str]) -> None:
    """Measures, prints the table and keeps the figures."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--dtype", choices=DTYPES, nargs="+", default=list(DTYPES))
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)
    device, results = torch.device(chosen.device), []
    for dtype in chosen.dtype:
        for threads in chosen.threads:
            print(f"{dtype}, {threads} threads, {chosen.repeats} repeats ...", flush=True)
            results.append(measure(dtype, threads, chosen.repeats, device))
    size = {"tokens": TOKENS, "channels": CHANNELS, "snapshots": len(PAST)}
    found = {"size": size, "results": results}
    PAGE.keep(arguments, found)
