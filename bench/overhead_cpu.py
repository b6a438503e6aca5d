"""The overhead on a processor, estimated: two blocks of the real width, and everything else but the blocks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from full_size import FullSize
from paper_settings import PAPER_SETTINGS
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
from tap_pack.tap_core.settings import TapSettings
from tap_pack.tap_core.timeline import Timeline
from torch import nn
from whole_run import WholeRun

CPU = torch.device("cpu")
# Every third evaluation is full: so K = 3 snapshots are there soon.
TAP = TapSettings(interval=3, **PAPER_SETTINGS)


def estimate(size: FullSize, repeats: int, threads: int, intervals: Iterable[int]) -> dict[str, object]:
    """Seconds of each part on so many threads, scaled to the model's number of blocks."""
    base = size.build(CPU, depth=1, depth_single_blocks=1)
    model, counts = base.diffusion_model, {"double block": size.config["depth"],
                                           "single block": size.config["depth_single_blocks"]}
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(std=0.02)
    blocks = {"double block": model.double_blocks[0], "single block": model.single_blocks[0]}
    # The processor's time leaves out what others took, but several threads would count as one after another.
    clock = time.process_time if threads == 1 else time.perf_counter
    with torch.inference_mode():
        seconds = {name: min(times) for name, times in _block_seconds(size, base, blocks, repeats, clock).items()}
        with _hollow(blocks):
            rest = _seconds(size, base, TapSettings(interval=1), 3 * repeats, clock)[True]
            tap = _seconds(size, base, TAP, 3 * repeats + 3, clock)
    seconds["embedder and final layer"] = min(rest)
    seconds["full step"] = seconds["embedder and final layer"] + sum(
        count * seconds[name] for name, count in counts.items())
    seconds["what a full step with TAP keeps"] = max(min(tap[True]) - seconds["embedder and final layer"], 0.0)
    seconds["skipped step"] = min(tap[False])
    kept, full, skipped = (seconds[name] for name in ("what a full step with TAP keeps", "full step", "skipped step"))
    return {
        "device": "cpu",
        "about": f"Estimated on a processor ({threads} thread{'s' * (threads > 1)}): {size.name} at {size.size}, one "
                 f"double and one single block of the real width, scaled to {counts['double block']} and "
                 f"{counts['single block']}.",
        "threads": threads, "seconds": seconds, "skipped_share": skipped / full,
        "beyond_share": (skipped - seconds["embedder and final layer"]) / full,
        "rows": [_row(size.steps, interval, full, kept, skipped) for interval in intervals],
    }


def _row(steps: int, interval: int, full: float, kept: float, skipped: float) -> dict[str, object]:
    timeline = Timeline(tuple(1 - step / steps for step in range(steps + 1)))
    count = len(full_steps(IntervalSchedule(interval, 3), timeline))
    run = count * (full + kept) + (steps - count) * skipped
    return {"interval": interval, "full_steps": count, "speed_up": steps * full / run, "bound": steps / count}


def _block_seconds(size: FullSize, base: nn.Module, blocks: dict[str, nn.Module], repeats: int, clock: object
                   ) -> dict[str, list[float]]:
    """Seconds of each block in full evaluations without TAP."""
    times: dict[str, list[float]] = {name: [] for name in blocks}
    starts: dict[str, float] = {}
    hooks = []
    for name, block in blocks.items():
        hooks += [block.register_forward_pre_hook(lambda *_, name=name: starts.update({name: clock()})),
                  block.register_forward_hook(lambda *_, name=name: times[name].append(clock() - starts[name]))]
    _seconds(size, base, TapSettings(interval=1), repeats, clock)
    for hook in hooks:
        hook.remove()
    return times


@contextmanager
def _hollow(blocks: dict[str, nn.Module]) -> Iterator[None]:
    """Blocks that hand their input on."""
    blocks["double block"].forward = lambda img, txt, **other: (img, txt)
    blocks["single block"].forward = lambda x, **other: x
    try:
        yield
    finally:
        for block in blocks.values():
            del block.forward


def _seconds(size: FullSize, base: nn.Module, settings: TapSettings, evaluations: int, clock: object
             ) -> dict[bool, list[float]]:
    """Seconds of full (True) and skipped (False) evaluations; of the latter those with a full history."""
    times: dict[bool, list[float]] = {True: [], False: []}
    run = iter(WholeRun(size, base, CPU, settings).evaluations())
    for _ in range(evaluations):
        start = clock()
        full = next(run)
        times[full].append(clock() - start)
    return times
