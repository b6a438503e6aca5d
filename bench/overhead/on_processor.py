"""The overhead on a processor, estimated: two blocks of the real width, and whole runs of everything but the blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import mean

import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import nn
from tqdm import tqdm

from models.full_size import FullSize
from models.whole_run import WholeRun
from overhead.launches import hollow

CPU = torch.device("cpu")
STOCK = TapSettings(interval=1)
Clock = Callable[[], float]
# Of each evaluation of a run: whether it was full, and its seconds.
Evaluations = list[tuple[bool, float]]


def estimate(size: FullSize, repeats: int, threads: int, intervals: Iterable[int],
             ways: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Seconds of each part on so many threads, scaled to the model's number of blocks; ways: settings by name."""
    base = size.build(CPU, depth=1, depth_single_blocks=1)
    model, counts = base.diffusion_model, {"double block": size.config["depth"],
                                           "single block": size.config["depth_single_blocks"]}
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(std=0.02)
    blocks = {"double block": model.double_blocks[0], "single block": model.single_blocks[0]}
    # The processor's time leaves out what others took, but several threads would count as one after another.
    clock = time.process_time if threads == 1 else time.perf_counter
    intervals = tuple(intervals)
    with torch.inference_mode(), tqdm(total=repeats * (2 + len(ways) * len(intervals)), unit="run") as bar:
        seconds = _block_seconds(size, base, blocks, repeats, clock, bar)
        all_blocks = sum(count * seconds[name] for name, count in counts.items())
        with hollow(model):
            outside = _mean(_best_run(size, base, STOCK, repeats, clock, bar), full=True)
            runs = {name: {n: _best_run(size, base, TapSettings(interval=n, **settings), repeats, clock, bar)
                           for n in intervals} for name, settings in ways.items()}
    seconds |= {"embedder and final layer": outside, "full step": outside + all_blocks}
    return {
        "device": "cpu",
        "about": f"Estimated on a processor ({threads} thread{'s' * (threads > 1)}): {size.name} at {size.size}, one "
                 f"double and one single block of the real width, scaled to {counts['double block']} and "
                 f"{counts['single block']}; everything else in whole runs of {size.steps} steps.",
        "threads": threads, "seconds": seconds,
        "ways": [way_of(name, by_interval, outside, all_blocks) for name, by_interval in runs.items()],
    }


def way_of(name: str, runs: Mapping[int, Evaluations], outside: float, blocks: float) -> dict[str, object]:
    """What TAP costs with these settings. outside: seconds of a step but for its blocks; blocks: those of the blocks.

    runs: by N, without the blocks.
    """
    full, everything = outside + blocks, [evaluation for run in runs.values() for evaluation in run]
    skipped = _mean(everything, full=False)
    return {
        "name": name, "full_adds": _mean(everything, full=True) - outside, "skipped": skipped,
        "skipped_share": skipped / full, "beyond_share": (skipped - outside) / full,
        "rows": [_row(interval, run, full, blocks) for interval, run in runs.items()],
    }


def _row(interval: int, run: Evaluations, full: float, blocks: float) -> dict[str, object]:
    count = sum(is_full for is_full, _ in run)
    seconds = count * blocks + sum(seconds for _, seconds in run)
    return {"interval": interval, "full_steps": count, "speed_up": len(run) * full / seconds,
            "bound": len(run) / count}


def _mean(run: Evaluations, full: bool) -> float:
    return mean(seconds for is_full, seconds in run if is_full == full)


def _block_seconds(size: FullSize, base: nn.Module, blocks: dict[str, nn.Module], repeats: int, clock: Clock,
                   bar: tqdm) -> dict[str, float]:
    """Least seconds of each block in full evaluations without TAP."""
    times: dict[str, list[float]] = {name: [] for name in blocks}
    starts: dict[str, float] = {}
    hooks = []
    for name, block in blocks.items():
        hooks += [block.register_forward_pre_hook(lambda *_, name=name: starts.update({name: clock()})),
                  block.register_forward_hook(lambda *_, name=name: times[name].append(clock() - starts[name]))]
    for _ in zip(range(repeats), WholeRun(size, base, CPU, STOCK).evaluations(), strict=False):
        bar.update()
    for hook in hooks:
        hook.remove()
    return {name: min(found) for name, found in times.items()}


def _best_run(size: FullSize, base: nn.Module, settings: TapSettings, repeats: int, clock: Clock, bar: tqdm
              ) -> Evaluations:
    """A whole run; of each evaluation the least seconds of so many runs."""
    best: Evaluations = []
    for _ in range(repeats):
        found: Evaluations = []
        evaluations = WholeRun(size, base, CPU, settings).evaluations()
        for _ in range(size.steps):
            start = clock()
            full = next(evaluations)
            found.append((full, clock() - start))
        best = [min(pair, key=lambda one: one[1]) for pair in zip(best or found, found, strict=True)]
        bar.update()
    return best
