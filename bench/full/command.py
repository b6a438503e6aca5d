"""Full-size models on the processor, from files of random weights: stock and TAP, seconds, memory and block calls.

ComfyUI's own loader loads each file; its node ModelComputeDtype makes it compute in bf16. A run is kept as soon as it
is over; started again, the command carries on. Weights are written to output/ and removed when their model is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import comfy.model_patcher
import comfy.sd
import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tqdm import tqdm

from figures.page import Page, read_results
from figures.places import OUTPUT, RESULTS
from figures.table import table
from full.memory import forget_peak, peak_bytes
from full.steps import Steps
from full.subjects import SIZES, Subject
from models.random_weights import write_file
from models.timed_run import Course, counted_blocks, timed_run

INTERVAL, CHECKED = 5, 2
STOCK, SAME, TAP = "stock", "interval 1", f"TAP, interval {INTERVAL}"
GIGA, MEGA = 1e9, 1e6


def ways() -> dict[str, tuple[TapSettings | None, int | None]]:
    """By name: settings, and how many of the steps are taken, None for all."""
    return {STOCK: (None, None), SAME: (TapSettings(interval=1), CHECKED), TAP: (TapSettings(interval=INTERVAL), None)}


def load(file: Path, dtype: torch.dtype) -> comfy.model_patcher.ModelPatcher:
    """As *Load Diffusion Model* with its weight_dtype as in the file, and ModelComputeDtype *bf16* after it."""
    model = comfy.sd.load_diffusion_model(str(file), model_options={"dtype": dtype})
    model.set_model_compute_dtype(torch.bfloat16)
    return model


def missing(rows: list[dict], subject: Subject) -> list[str]:
    """The ways of a subject that have no row."""
    done = {(row["model"], row["way"]) for row in rows}
    return [way for way in ways() if (subject.size.name, way) not in done]


def measured(subject: Subject, wanted: list[str], folder: Path) -> Iterator[dict[str, object]]:
    """A row for each of these ways, as each is done."""
    file = folder / f"{subject.size.name.replace(' ', '_')}.safetensors"
    if not file.exists():
        tqdm.write(f"{subject.size.name}: its weights are written")
        write_file(subject.size, file, subject.weights)
    model, size = load(file, subject.weights), subject.size
    for way in wanted:
        settings, first = ways()[way]
        forget_peak()
        with tqdm(total=first or size.steps, desc=f"{size.name}, {way}", unit="step") as bar:
            row = _measured(subject, model, settings, first, bar.update)
        yield {"model": size.name, "size": size.size, "weights": str(subject.weights).removeprefix("torch."),
               "way": way, **row}
    file.unlink()


def _measured(subject: Subject, model: comfy.model_patcher.ModelPatcher, settings: TapSettings | None,
              first: int | None, told: Callable[[], object]) -> dict[str, object]:
    """Run once; the rest of a row."""
    size, steps = subject.size, Steps(told)
    with counted_blocks(model.model.diffusion_model) as calls:
        seconds, record = timed_run(size, model, settings, Course(size.steps, subject.cfg, first), time.process_time,
                                    steps.at_step)
    taken = len(steps.ends)
    return {
        "cfg": subject.cfg, "steps": size.steps, "taken": taken, "seconds": seconds,
        "ends": steps.ends, "prints": steps.prints, "finite": steps.finite, "block_calls": sum(calls),
        "peak_bytes": peak_bytes(), "full_steps": len(record.full_steps) if record else taken,
        "cache_bytes": record.cache_bytes if record else 0, "fallbacks": record.fallbacks if record else [],
    }


def compared(rows: list[dict]) -> dict[str, object]:
    """What a model's three rows say together.

    reached: the speed-up as a share of what the full steps alone allow. in_full: of TAP's seconds those of its full
    steps, its longest ones, which no other work on the machine disturbs. same: whether interval 1 is stock to the bit,
    in all steps that it took.
    """
    stock, same, tap = (next(row for row in rows if row["way"] == way) for way in (STOCK, SAME, TAP))
    bound = tap["steps"] / tap["full_steps"]
    lengths = sorted(end - start for start, end in pairwise([0.0, *tap["ends"]]))
    speed_up = stock["seconds"] / tap["seconds"]
    return {"speed_up": speed_up, "bound": bound, "reached": speed_up / bound,
            "in_full": sum(lengths[-tap["full_steps"]:]) / tap["seconds"],
            "same": same["prints"] == stock["prints"][:same["taken"]]}


def markdown(found: dict) -> str:
    """A line a model, of those that are done."""
    by_model: dict[str, list[dict]] = {}
    for row in found["rows"]:
        by_model.setdefault(row["model"], []).append(row)
    whole = [{row["way"]: row for row in rows} for rows in by_model.values() if len(rows) == len((STOCK, SAME, TAP))]
    return "\n".join(table(HEAD, (_line(each, compared(list(each.values()))) for each in whole)))


HEAD = ("model", "size", "weights", "stock, seconds a step", "all steps, s", "TAP, s", "full steps", "faster",
        "full steps alone", "reached", "of TAP's seconds, in full steps", "interval 1", "block calls, stock", "TAP",
        "GB resident, stock", "TAP", "MB of cache")


def _line(ways: dict[str, dict], sums: dict[str, object]) -> tuple[object, ...]:
    stock, tap = ways[STOCK], ways[TAP]
    return (tap["model"], tap["size"], tap["weights"], f"{stock['seconds'] / stock['steps']:.1f}",
            f"{stock['seconds']:.0f}", f"{tap['seconds']:.0f}", f"{tap['full_steps']} of {tap['steps']}",
            f"{sums['speed_up']:.2f}", f"{sums['bound']:.2f}", f"{sums['reached']:.3f}", f"{sums['in_full']:.3f}",
            "the same bits" if sums["same"] else "other bits", stock["block_calls"], tap["block_calls"],
            *(f"{(row['peak_bytes'] or 0) / GIGA:.1f}" for row in (stock, tap)), f"{tap['cache_bytes'] / MEGA:.1f}")


PAGE = Page("full", markdown)


def run(arguments: list[str]) -> None:
    """Measures what is missing, keeps each row at once, and prints."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--size", choices=SIZES, default="full", help="small: to try the command")
    parser.add_argument("--model", nargs="*", help="only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rows = read_results("full", options.output)["rows"]
    chosen = [(subject, missing(rows, subject)) for subject in SIZES[options.size]
              if options.model is None or subject.size.name in options.model]
    PAGE.keep_each(arguments, rows, (row for subject, wanted in chosen if wanted
                                     for row in measured(subject, wanted, OUTPUT / "full")), options.output)
