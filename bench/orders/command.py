"""Is TAP's choice as good as the best single order of its own pool, at every number of calls and every guidance?

`python3 bench/run.py orders`; it carries on where it was stopped, `--fresh` starts from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tqdm import tqdm

from figures.page import Page
from figures.table import table
from models.model_rows import closeness, parser_of_models
from models.stage import MODELS, Course, Stage, Take, open_stage

# Batches of pictures; those of demo take ten times as long.
SHOTS = {"demo": (range(600, 606),),
         **dict.fromkeys(("words", "balls"), tuple(range(first, first + 6) for first in range(600, 624, 6)))}
ORDERS = ("0", "1", "2")
PLAIN = "plain"
# Intervals that leave 12, 10, 8, 7, 6 and 5 of 50 calls, and 10, 7 and 4 of 20.
INTERVALS = {50: (5, 6, 8, 10, 13, 20), 20: (2, 3, 5)}
# TAP's choice may be so many dB below the best single order.
RULE = 0.3


@dataclass(frozen=True)
class Cell:
    """A row before it is measured."""

    model: str
    steps: int
    cfg: float
    target: str
    interval: int

    def settings(self, **more: object) -> TapSettings:
        """TAP's defaults, but for what the cell and `more` say."""
        warmup = 3 if self.steps == 50 else 1
        return TapSettings(interval=self.interval, warmup_steps=warmup, target=self.target, **more)


def cells(models: Sequence[str]) -> Iterator[Cell]:
    """50 steps at guidance 2 for both targets, then 20 steps at weak and strong guidance."""
    of_50 = tuple((50, 2.0, target) for target in ("auto", "residual"))
    of_20 = tuple((20, cfg, "auto") for cfg in (1.0, 2.0, 3.5, 4.0, 5.0, 6.0, 7.0))
    for model in models:
        for steps, cfg, target in (*of_50, *of_20):
            yield from (Cell(model, steps, cfg, target, interval) for interval in INTERVALS[steps])


def measured(cell: Cell) -> dict:
    """A row: the default, each order alone at the true distance, with and without trust, and as many plain steps."""
    stage, course = stage_of(cell.model), Course(steps=cell.steps, cfg=cell.cfg)
    fulls = full_pictures(stage, course)
    takes = {"default": sampled(stage, course, cell.settings())}
    for order in ORDERS:
        alone = {"orders": order, "horizon_from": 0, "horizon_to": 0}
        takes[order] = sampled(stage, course, cell.settings(**alone, trust="full"))
        takes[f"{order}, trust"] = sampled(stage, course, cell.settings(**alone))
    takes[PLAIN] = sampled(stage, replace(course, steps=takes["default"][0].calls))
    return {**asdict(cell), "calls": takes["default"][0].calls,
            "scores": {name: closeness(found, fulls) for name, found in takes.items()}}


stage_of = lru_cache(maxsize=1)(open_stage)


@lru_cache(maxsize=1)
def full_pictures(stage: Stage, course: Course) -> list[Take]:
    """The pictures with every step computed, kept for the cells that share them."""
    return sampled(stage, course)


def sampled(stage: Stage, course: Course, settings: TapSettings | None = None) -> list[Take]:
    """The pictures of a course."""
    return [take for shots in SHOTS[stage.name] for take in stage.takes(shots, course, settings)]


def below(row: dict) -> float:
    """How many dB the default's mean is below the best single order's; negative where it is above."""
    means = {name: score["psnr"] for name, score in row["scores"].items()}
    return max(mean for name, mean in means.items() if name not in ("default", PLAIN)) - means["default"]


def below_plain(row: dict) -> float:
    """The same against as many plain steps of the sampler."""
    return row["scores"][PLAIN]["psnr"] - row["scores"]["default"]["psnr"]


def markdown(found: dict) -> str:
    """A line for each course; a cell for each number of calls."""
    rows = found["rows"]
    broken = [row for row in rows if below(row) > RULE]
    lines = [f"The default is within {RULE} dB of the best single order, or above it, in {len(rows) - len(broken)} of "
             f"{len(rows)} cells, and above as many plain steps in {sum(below_plain(row) <= 0 for row in rows)}.", "",
             "Mean PSNR in dB, default / order 0 / 1 / 2 (each the better of with trust and without) / as many plain "
             "steps; bold where the default is below the best order by more than the rule, in italics where it is "
             "below as many plain steps.", ""]
    for steps, intervals in INTERVALS.items():
        some = [row for row in rows if row["steps"] == steps]
        places = dict.fromkeys((cell.model, cell.cfg, cell.target) for cell in cells(MODELS) if cell.steps == steps)
        by_place = {(row["model"], row["cfg"], row["target"], row["interval"]): row for row in some}
        counts = [next((row["calls"] for row in some if row["interval"] == interval), "") for interval in intervals]
        lines += [*table((f"{steps} steps", *(f"{count} calls" for count in counts)), (
            (f"{model}, CFG {cfg:g}" + (", residual" if target == "residual" else ""),
             *(shown(by_place.get((model, cfg, target, interval))) for interval in intervals))
            for model, cfg, target in places if any(place[:3] == (model, cfg, target) for place in by_place))), ""]
    return "\n".join(lines[:-1])


def shown(row: dict | None) -> str:
    """A cell of the table."""
    if row is None:
        return ""
    means = {name: score["psnr"] for name, score in row["scores"].items()}
    text = " / ".join(f"{value:.1f}" for value in (means["default"],
                                                    *(max(means[order], means[f"{order}, trust"]) for order in ORDERS),
                                                    means[PLAIN]))
    bold, italic = "**" * (below(row) > RULE), "_" * (below_plain(row) > 0)
    return f"{bold}{italic}{text}{italic}{bold}"


PAGE = Page("orders", markdown)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    parser = parser_of_models(PAGE, __doc__)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rows = [] if options.fresh else PAGE.kept()["rows"]
    done = {tuple(row[name] for name in Cell.__dataclass_fields__) for row in rows}
    wanted = [cell for cell in cells(options.model or MODELS) if tuple(asdict(cell).values()) not in done]
    PAGE.keep_each(arguments, rows, (measured(cell) for cell in tqdm(wanted, unit="row")))
