"""Floating point operations of the paper's five models, in full and on skipped steps: Tables 1 to 3, column FLOPs.

The models are ComfyUI's own classes at full size on the meta device: shapes without values.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tap_pack.tap_core.sampling.methods import REUSE, fixed
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
from tap_pack.tap_core.timeline import Timeline
from tqdm import tqdm

from cost.operations import Operations, count_operations
from figures.page import Page
from figures.table import table
from models.full_size import FULL_SIZES, FullSize
from models.paper_settings import PAPER_SETTINGS
from models.whole_run import WholeRun

TERA = 1e12
# Method -> its pool and its warm-up.
METHODS = {"FORA": (REUSE, 1), "TaylorSeer, order 2": (fixed("taylor", "2"), 3), "TAP": (PoolSettings(), 3)}
# Model -> method -> N -> the paper's speed-up in FLOPs. Its row "5.55" has the FLOPs of 4.99.
PAPER = {
    "FLUX.1-dev": {
        "FORA": {4: 3.84, 5: 4.99, 7: 6.24}, "TaylorSeer, order 2": {5: 4.16, 6: 4.99, 8: 6.24},
        "TAP": {5: 4.16, 6: 4.99, 8: 6.24, 10: 7.13},
    },
    "FLUX.1-schnell": {"TaylorSeer, order 2": {3: 2.00}, "TAP": {3: 2.00}},
    "Qwen-Image": {
        "FORA": {3: 2.94, 4: 3.84}, "TaylorSeer, order 2": {4: 3.57, 5: 4.17}, "TAP": {4: 3.57, 5: 4.17},
    },
    "Qwen-Image-Lightning": {"TaylorSeer, order 2": {3: 2.00}, "TAP": {3: 2.00}},
    "HunyuanVideo": {"FORA": {5: 4.98}, "TaylorSeer, order 2": {6: 4.98}, "TAP": {6: 4.98}},
}
# TFLOPs of one full step, guidance included: the 50-step rows over 50, and so on.
PAPER_FULL = {"FLUX.1-dev": 74.5374, "FLUX.1-schnell": 69.6025, "Qwen-Image": 258.3512,
              "Qwen-Image-Lightning": 70.12, "HunyuanVideo": 109.63}
# The paper keeps two steps of schnell.
SHORT_WARMUP = {"FLUX.1-schnell": 2}


def schedule_of(size: FullSize, method: str, interval: int) -> IntervalSchedule:
    """The paper's schedule for this model."""
    warmup = METHODS[method][1]
    return IntervalSchedule(interval, min(warmup, SHORT_WARMUP.get(size.name, warmup)))


@dataclass(frozen=True)
class Counted:
    """Operations of evaluations with TAP: a full one, the first skipped one, which runs all layers around the blocks,
    and a later one, which leaves out what only the blocks read. Both have a full history."""

    full: Operations
    first: Operations
    later: Operations

    def total(self, full: int, skipped: int) -> float:
        """Of a run with so many full and skipped steps."""
        return full * self.full.total + min(skipped, 1) * self.first.total + max(skipped - 1, 0) * self.later.total


def counted(size: FullSize, method: str, interval: int) -> Counted:
    """What one model's evaluations cost with this method. A run with one skipped step has no later one."""
    model = size.build("meta")
    settings = TapSettings(**PAPER_SETTINGS, given_pool=METHODS[method][0],
                           given_schedule=schedule_of(size, method, interval))
    evaluations = WholeRun(size, model, torch.device("meta"), settings).evaluations()
    found: dict[bool, list[Operations]] = {True: [], False: []}
    kinds: list[bool] = []
    with torch.inference_mode():
        while len(found[False]) < 2 and len(kinds) < size.steps:
            operations = count_operations(lambda: kinds.append(next(evaluations)))
            found[kinds[-1]].append(operations)
    return Counted(found[True][-1], found[False][0], found[False][-1])


def stock(size: FullSize) -> Operations:
    """Operations of an evaluation without TAP."""
    model = size.build("meta")
    evaluations = WholeRun(size, model, torch.device("meta"), TapSettings(interval=1)).evaluations()
    with torch.inference_mode():
        return count_operations(lambda: next(evaluations))


def rows_of(size: FullSize, bar: tqdm) -> dict[str, object]:
    """All figures of one model."""
    full, kinds = stock(size), {}
    timeline = Timeline(tuple(1 - step / size.steps for step in range(size.steps + 1)))
    rows = []
    for method, paper in PAPER[size.name].items():
        for interval, speed_up in paper.items():
            if method not in kinds:
                kinds[method] = counted(size, method, interval)
            count = len(full_steps(schedule_of(size, method, interval), timeline))
            # A full step with TAP also makes the probe, one modulation more.
            total = kinds[method].total(count, size.steps - count)
            found = size.steps * full.total / total
            rows.append({
                "method": method, "interval": interval, "full_steps": count, "tflops": total / TERA,
                "speed_up": found, "paper": speed_up, "apart": found / speed_up - 1,
            })
            bar.update()
    first, skipped = kinds["TAP"].first, kinds["TAP"].later
    return {
        "model": size.name, "size": size.size, "steps": size.steps, "words": size.words, "blocks": size.blocks,
        "full": _teras(full), "full_paper": PAPER_FULL[size.name], "full_apart": full.total / TERA
        / PAPER_FULL[size.name] - 1, "first_skipped": _teras(first), "skipped": _teras(skipped),
        "skipped_share": skipped.total / full.total,
        "rows": rows,
    }


def _teras(operations: Operations) -> dict[str, float]:
    return {"total": operations.total / TERA, "attention": operations.attention / TERA,
            "elements": operations.elements / TERA}


def markdown(found: dict) -> str:
    """Both tables."""
    models = found["models"]
    steps = table(("model", "size", "full step, TFLOPs", "of it attention", "paper",
                   "first skipped step, TFLOPs", "arithmetic on elements", "later ones, TFLOPs"), (
        (m["model"], m["size"], f"{m['full']['total']:.2f}", f"{m['full']['attention']:.2f}", f"{m['full_paper']:.2f}",
         f"{m['first_skipped']['total']:.4f}", f"{m['first_skipped']['elements']:.4f}",
         f"{m['skipped']['total']:.4f}") for m in models))
    runs = table(("model", "method", "N", "full steps", "TFLOPs of a run", "speed-up", "paper", "apart"), (
        (m["model"], r["method"], r["interval"], f"{r['full_steps']} of {m['steps']}", f"{r['tflops']:.2f}",
         f"{r['speed_up']:.3f}", f"{r['paper']:.2f}", f"{100 * r['apart']:+.2f} %") for m in models for r in m["rows"]))
    return "\n".join([*steps, "", *runs])


PAGE = Page("cost", markdown)


def run(arguments: list[str]) -> None:
    """Counts, prints and keeps."""
    PAGE.parser(__doc__).parse_args(arguments)
    total = sum(len(paper) for rows in PAPER.values() for paper in rows.values())
    with tqdm(total=total, unit="row") as bar:
        models = [rows_of(size, bar) for size in FULL_SIZES]
    found = {"models": models}
    PAGE.keep(arguments, found)
