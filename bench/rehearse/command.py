"""A rehearsal of full-size models on a card that is not there: what a full and a skipped step ask of it, an estimate.

Every model runs in ComfyUI's own classes, samplers and conditions, on tensors that have shapes and no values.
"""

from __future__ import annotations

from collections import Counter

import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tqdm import tqdm

from figures.page import Page
from figures.table import table
from models.full_size import FULL_SIZES, FullSize
from models.more_sizes import MORE_SIZES
from rehearse.cards import CARDS
from rehearse.stage import Rehearsal, build, card, rehearse
from rehearse.watch import Step

SIZES = (*FULL_SIZES, *MORE_SIZES)
# Enough steps for a gap, its repair, and another gap.
STEPS, INTERVAL, GUIDED = 10, 3, 4.0
# Evaluations at which the run gets to know its sampler: it compares the model with the adapter, and goes again.
FIRST = 3
# N -> full steps of 50, and the paper's speed-up of FLUX.1-dev by the clock.
PAPER = {5: (12, 3.57), 6: (10, 4.13), 8: (8, 5.02), 10: (7, 6.79)}
PAPER_STEPS, GIGA = 50, 1e9
WEIGHTS = {"bf16": None, "fp8": torch.float8_e4m3fn}
# With fp8 weights each layer makes its own bf16 of them first, and nothing else changes: some models show it.
IN_FP8 = ("FLUX.1-dev", "Qwen-Image", "Wan 2.1 14B", "HunyuanVideo")


def rows_of(size: FullSize, weights: str) -> dict[str, object]:
    """What one model asks for with this type of weights."""
    cfg = 1.0 if len(size.words) == 1 else GUIDED
    with card() as watch:
        model = build(size, weights=WEIGHTS[weights])
        stock = rehearse(watch, size, model, None, 2, cfg).steps[-1]
        run = rehearse(watch, size, model, TapSettings(interval=INTERVAL), STEPS, cfg)
    kinds = {name: run.of(full)[-1] for name, full in (("full", True), ("skipped", False))}
    return {
        "model": size.name, "size": size.size, "weights": weights, "cfg": cfg, "fallbacks": run.record.fallbacks,
        "histories": run.record.cache_bytes, "stock": _figures(stock),
        **{name: _figures(step) for name, step in kinds.items()},
        "first_waits": sorted({wait for step in run.steps[:FIRST] for wait in step.waits}),
        "waits": {name: _most_waits(run, full) for name, full in (("full", True), ("skipped", False))},
        "speed_ups": {each.name: speed_ups(each.seconds(stock.work), *(each.seconds(step.work)
                                                                       for step in kinds.values())) for each in CARDS},
        "skipped_share": {each.name: each.seconds(kinds["skipped"].work) / each.seconds(stock.work)
                          for each in CARDS},
    }


def speed_ups(stock: float, full: float, skipped: float) -> dict[str, float]:
    """By N, of 50 steps, from the seconds of each kind of step."""
    return {str(interval): PAPER_STEPS * stock / (count * full + (PAPER_STEPS - count) * skipped)
            for interval, (count, _) in PAPER.items()}


def _figures(step: Step) -> dict[str, object]:
    return {"operators": step.operators, "ours": step.ours, "peak": step.peak, "comfyui_waits": len(step.others_wait),
            "copies": dict(Counter(step.copies)), "doubles": sorted(set(step.doubles)),
            "flops": sum(flops for flops, _ in step.work), "bytes": sum(nbytes for _, nbytes in step.work)}


def _most_waits(run: Rehearsal, full: bool) -> list[str]:
    """Where TAP waits at such a step once it knows its sampler: of the step that waits most."""
    later = [step.waits for step, each in list(zip(run.steps, run.record.evaluations, strict=True))[FIRST:]
             if each.full == full]
    return max(later, key=len)


def markdown(found: dict) -> str:
    """What steps ask for, and the estimate."""
    rows = found["rows"]
    asked = table(("model", "weights", "size", "operators of a full step, stock", "with TAP", "of a skipped step",
                   "of them TAP's", "waits at a full step", "at a skipped one", "GB at the peak, stock", "with TAP",
                   "GB of histories"), (
        (row["model"], row["weights"], row["size"], row["stock"]["operators"], row["full"]["operators"],
         row["skipped"]["operators"], row["skipped"]["ours"], len(row["waits"]["full"]), len(row["waits"]["skipped"]),
         f"{row['stock']['peak'] / GIGA:.1f}", f"{row['full']['peak'] / GIGA:.1f}",
         f"{row['histories'] / GIGA:.3f}") for row in rows))
    names = list(rows[0]["speed_ups"])
    estimate = table(("model", "weights", "card", "a skipped step, of a full one", *(f"N = {n}" for n in PAPER)), (
        (row["model"], row["weights"], name, f"{100 * row['skipped_share'][name]:.2f} %",
         *(f"{row['speed_ups'][name][str(n)]:.2f}" for n in PAPER)) for row in rows for name in names))
    paper = ("the paper, FLUX.1-dev, clock", "", "H20", "", *(f"{by_clock:.2f}" for _, by_clock in PAPER.values()))
    bound = ("full steps alone", "", "", "", *(f"{PAPER_STEPS / count:.2f}" for count, _ in PAPER.values()))
    return "\n".join([*asked, "", "**Estimated, not measured:** how many times faster a run of 50 steps is.", "",
                      *estimate, *table(paper, ())[:1], *table(bound, ())[:1]])


PAGE = Page("rehearse", markdown)


def run(arguments: list[str]) -> None:
    """Rehearses, prints and keeps."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--model", nargs="*", default=[size.name for size in SIZES], help="only these")
    chosen = parser.parse_args(arguments).model
    asked = [(size, weights) for size in SIZES if size.name in chosen for weights in WEIGHTS
             if weights == "bf16" or size.name in IN_FP8]
    rows = [rows_of(*each) for each in tqdm(asked, unit="model")]
    PAGE.keep(arguments, {"rows": rows})
