"""Studies with rows of one model each: the chosen models are measured, the rows of the others are kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from statistics import mean

import torch
from tqdm import tqdm

from figures.metrics import latent_psnr, psnr
from figures.page import Page
from figures.results_file import write_results
from models.stage import MODELS, Course, Stage, Take, open_stage

Jobs = Mapping[str, Callable[[], dict]]  # from the name of a row to what finds the rest of it
FLOOR = "another seed (floor)"
# What `shown` shows.
SCORES = "Mean PSNR in dB (worst) / mean PSNR of the latents"
AFTER_A_MODEL = "the number after a model is its calls, of 50"


def closeness(takes: Sequence[Take], fulls: Sequence[Take]) -> dict[str, float]:
    """Mean and worst PSNR of the pictures, mean PSNR of the latents."""
    pairs = list(zip(takes, fulls, strict=True))
    scores = [psnr(take.frames, full.frames) for take, full in pairs]
    return {"psnr": mean(scores), "worst": min(scores),
            "latent_psnr": mean(latent_psnr(take.latents, full.latents) for take, full in pairs)}


def scored(stage: Stage, shots: Sequence[int], fulls: Sequence[Take], settings: Sequence[object]) -> dict:
    """A row's scores by the calls that each of these settings of TAP makes."""
    takes = [stage.takes(shots, Course(), each) for each in settings]
    return {"calls": {str(each[0].calls): closeness(each, fulls) for each in takes}}


def full_count(sigmas: tuple[float, ...], interval: int) -> int:
    """How many full steps the paper's schedule has."""
    from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
    from tap_pack.tap_core.timeline import Timeline

    return len(full_steps(IntervalSchedule(interval, 3), Timeline(sigmas)))


def floor(stage: Stage, shots: Sequence[int], fulls: Sequence[Take], intervals: Sequence[int]) -> dict:
    """A row's scores of the same pictures from other seeds, the same for all numbers of calls."""
    found = closeness(stage.takes(shots, Course(), seeds=[shot + 500 for shot in shots]), fulls)
    return {"calls": {str(full_count(fulls[0].sigmas, interval)): found for interval in intervals}}


def shown(score: dict[str, float] | None) -> str:
    """A cell of a table: mean PSNR (worst) / mean PSNR of the latents."""
    return f"{score['psnr']:.1f} ({score['worst']:.1f}) / {score['latent_psnr']:.1f}" if score else ""


def parser_of_models(page: Page, about: str) -> argparse.ArgumentParser:
    """For the options of a study that measures one model after another."""
    parser = page.parser(about)
    parser.add_argument("--model", choices=MODELS, action="append", help="instead of all; may be given again")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def carry_on(page: Page, about: str, arguments: Sequence[str], measure: Callable[[Stage, Sequence[str], bool], None]
             ) -> None:
    """The command of a study that measures what is missing of each model, or all with --fresh, and shows all."""
    parser = parser_of_models(page, about)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    for model in options.model or MODELS:
        measure(open_stage(model), arguments, options.fresh)
    page.show(page.kept())


def measure_models(page: Page, about: str, arguments: Sequence[str], jobs_of: Callable[[Stage], Jobs]) -> None:
    """The command: measures the models that are asked for, and writes results and table."""
    parser = parser_of_models(page, about)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    models = options.model or list(MODELS)
    rows = [row for row in page.kept()["rows"] if row["model"] not in models]
    for model in models:
        for row, job in tqdm(jobs_of(open_stage(model)).items(), desc=model, unit="row"):
            rows.append({"model": model, "name": row, **job()})
            tqdm.write(str(rows[-1]))
            write_results(page.name, arguments, {"rows": rows})
    page.show({"rows": rows})
