"""Is a run as close as it says, and as close as it was asked to be, with as few calls as that takes?

`python3 bench/run.py closeness`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/closeness_MODEL.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, pstdev

import torch
from tap_pack.tap_core.sampling.settings import FIXED, QUALITIES, TapSettings
from tqdm import tqdm

from closeness.pictures import draw_pairs
from closeness.templates import templates_of
from figures.metrics import psnr
from figures.page import Page, read_results
from figures.results_file import write_results
from figures.table import table
from models.model_rows import closeness
from models.paper_settings import PAPER_SETTINGS
from models.stage import MODELS, Course, Stage, Take, open_stage

# Steps, sampler and guidance of what people run: ComfyUI's own templates.
COURSES = ((20, "euler", 1.0), (20, "euler", 4.0), (20, "uni_pc", 5.0), (30, "uni_pc", 6.0), (25, "res_multistep", 4.0),
           (8, "res_multistep", 1.0), (4, "euler", 1.0), (28, "euler", 3.5), (50, "euler", 4.0), (20, "heun", 1.0),
           (28, "lcm", 1.0), (30, "er_sde", 4.0), (20, "euler_ancestral", 2.0))
WISHES = {name: decibels for name, decibels in QUALITIES.items() if name != FIXED}
INTERVALS = (2, 3, 4, 5, 6, 8, 10)
# No constant of the estimate or of the schedule was chosen on these.
SHOTS = range(500, 504)
# Of these a batch would share the noise that it draws.
NOISY = ("lcm", "er_sde", "euler_ancestral")


def measured(stage: Stage, course: Course) -> dict:
    """A row: qualities, numbers of full steps, the paper's TAP and plain steps, against the full pictures."""
    fulls = stage.takes(SHOTS, course)
    # Each picture by itself: a batch is computed as often as its worst picture takes.
    alone = replace(course, alone=True)
    qualities = {name: scored(stage.takes(SHOTS, alone, TapSettings(quality=name)), fulls) for name in WISHES}
    fixed = {}
    for interval in INTERVALS:
        takes = stage.takes(SHOTS, course, TapSettings(interval=interval, warmup_steps=1))
        fixed[str(takes[0].calls)] = scored(takes, fulls)
    paper = scored(stage.takes(SHOTS, course, TapSettings(**PAPER_SETTINGS)), fulls)
    counts = sorted({round(mean(row["calls"])) for row in qualities.values()})
    plain = {str(count): closeness(stage.takes(SHOTS, replace(course, steps=count)), fulls) for count in counts}
    return {"qualities": qualities, "fixed": fixed, "paper": paper, "plain": plain}


def scored(takes: Sequence[Take], fulls: Sequence[Take]) -> dict:
    """By picture: calls, PSNR and what the run said; None where it said nothing. A batch says one for all."""
    scores = [psnr(take.frames, full.frames) for take, full in zip(takes, fulls, strict=True)]
    told = [take.record.closeness and take.record.closeness.decibels for take in takes]
    return {"calls": [take.calls for take in takes], "psnr": [min(score, 150.0) for score in scores], "told": told,
            "batch": len({id(take.record) for take in takes}) == 1}


def kept() -> dict:
    """The rows of all models found so far."""
    return {"rows": [row for model in MODELS for row in read_results(f"closeness_{model}")["rows"]]}


def markdown(found: dict) -> str:
    """What was told, then what was wished and reached."""
    return "\n".join([*told_table(found["rows"]), "", *wish_table(found["rows"])])


def told_table(rows: Sequence[dict]) -> list[str]:
    """By model and sampler: told minus measured."""
    lines = table(("told minus measured, dB", "runs", "mean", "scatter", "told no difference, was farther off"), (
        (f"{model}, {sampler}", len(pairs), f"{mean(t - m for t, m in pairs):+.1f}",
         f"{pstdev(t - m for t, m in pairs):.1f}", f"{sum(t >= 40 > m + 6 for t, m in pairs)}")
        for model in MODELS for sampler in dict.fromkeys(row["sampler"] for row in rows)
        if (pairs := told_pairs(row for row in rows if (row["model"], row["sampler"]) == (model, sampler)))))
    return lines


def told_pairs(rows: Sequence[dict]) -> list[tuple[float, float]]:
    """Told and measured, of every run that said something; of a batch its worst picture."""
    scores = [score for row in rows for score in (*row["qualities"].values(), *row["fixed"].values(), row["paper"])]
    pairs = [pair for score in scores for pair in ([(score["told"][0], min(score["psnr"]))] if score["batch"] else
                                                   zip(score["told"], score["psnr"], strict=True))]
    return [(told, found) for told, found in pairs if told is not None]


def wish_table(rows: Sequence[dict]) -> list[str]:
    """By model and course: for each quality calls and PSNR, and the least fixed number of calls that is as close."""
    return table(("", *(f"{name}, {decibels:.0f} dB" for name, decibels in WISHES.items())), (
        (f"{row['model']}, {row['steps']} {row['sampler']}, CFG {row['cfg']:g}",
         *(wish_cell(row, name) for name in WISHES)) for row in rows))


def wish_cell(row: dict, name: str) -> str:
    """Mean calls: mean PSNR (worst); fixed calls as close; PSNR of as many plain steps."""
    score = row["qualities"][name]
    calls, worst = mean(score["calls"]), min(score["psnr"])
    if calls == row["steps"]:
        return f"{calls:.0f}: all"
    enough = [int(count) for count, other in row["fixed"].items() if min(other["psnr"]) >= worst]
    plain = row["plain"][str(round(calls))]
    return (f"{calls:.1f}: {mean(score['psnr']):.1f} ({worst:.1f}); fixed {min(enough, default='all')}; plain "
            f"{plain['psnr']:.1f} ({plain['worst']:.1f})")


def default_table(rows: Sequence[dict], quality: str = "close") -> list[str]:
    """For the README of the pack: the default quality by course and model."""
    templates = templates_of()
    found = {(row["model"], row["steps"], row["sampler"], row["cfg"]): row for row in rows}
    return table(("steps, sampler, guidance", "as in the template of", *MODELS), (
        (f"{steps}, {sampler}, CFG {cfg:g}", ", ".join(templates.get((steps, sampler, cfg), [])),
         *(default_cell(found.get((model, steps, sampler, cfg)), quality) for model in MODELS))
        for steps, sampler, cfg in COURSES))


def default_cell(row: dict | None, quality: str) -> str:
    """Mean calls: mean PSNR (worst)."""
    if row is None:
        return ""
    score = row["qualities"][quality]
    calls = mean(score["calls"])
    return "all" if calls == row["steps"] else f"{calls:.1f}: {mean(score['psnr']):.1f} ({min(score['psnr']):.1f})"


PAGE = Page("closeness", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--model", choices=MODELS, action="append", help="instead of all; may be given again")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--pictures", action="store_true", help="draw the pairs of the help page instead")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.pictures:
        draw_pairs(open_stage("demo"))
        return
    for model in options.model or MODELS:
        measure_model(open_stage(model), arguments, options.fresh)
    PAGE.show(PAGE.kept())


def measure_model(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not kept yet, or are of other weights."""
    known = read_results(f"closeness_{stage.name}")
    rows = known["rows"] if not fresh and known.get("weights") == stage.weights else []
    done = {(row["steps"], row["sampler"], row["cfg"]) for row in rows}
    for steps, sampler, cfg in tqdm(COURSES, desc=stage.name, unit="row"):
        if (steps, sampler, cfg) not in done:
            row = measured(stage, Course(steps=steps, sampler=sampler, cfg=cfg, alone=sampler in NOISY))
            rows.append({"model": stage.name, "steps": steps, "sampler": sampler, "cfg": cfg, **row})
            write_results("closeness", arguments, {"weights": stage.weights, "rows": rows}, part=stage.name)
