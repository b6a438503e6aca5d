"""Repaying where noise is added to the picture, as in SDXL, on the small models behind that scale of x.

`python3 bench/run.py samplers added`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/samplers_added_MODEL.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from tap_pack.tap_core.sampling.settings import TapSettings

from figures.page import Page
from figures.table import table
from models.kept_rows import add_missing, all_rows
from models.model_rows import carry_on, closeness
from models.noise_added import noise_added
from models.stage import Course, Stage, Take

# As SDXL's workflows have it: 20 steps, half of them computed, karras.
STEPS, INTERVAL, WARMUP, SCHEDULER = 20, 2, 1, "karras"
SAMPLERS = ("euler", "heun", "dpm_2", "dpmpp_2m", "res_multistep", "uni_pc", "euler_ancestral", "dpmpp_2m_sde")
GUIDANCE = (1.0, 2.0, 4.0, 7.0)
SHOTS = (range(200, 204), range(204, 208))


def measured(stage: Stage, sampler: str, cfg: float) -> dict:
    """A row's rest: how close pictures are with the drift repaid and without, and how close the runs say they are."""
    course = Course(steps=STEPS, sampler=sampler, scheduler=SCHEDULER, cfg=cfg, patch=noise_added)
    fulls, off, on = (sampled(stage, course, settings) for settings in (
        None, *(TapSettings(interval=INTERVAL, warmup_steps=WARMUP, correction=each) for each in ("off", "on"))))
    return {"calls": on[0].calls,
            "off": closeness(off, fulls), "on": closeness(on, fulls),
            "told": min(take.record.closeness.decibels for take in on)}


def sampled(stage: Stage, course: Course, settings: TapSettings | None) -> list[Take]:
    """The pictures of a course."""
    return [take for shots in SHOTS for take in stage.takes(shots, course, settings)]


def markdown(found: dict) -> str:
    """Mean PSNR (worst) without repaying and with it, by model; and what the run says of its worst picture."""
    rows = {(row["model"], row["sampler"], row["cfg"]): row for row in found["rows"]}
    models = list(dict.fromkeys(row["model"] for row in found["rows"]))
    pictures = sum(map(len, SHOTS))
    return "\n".join([
        f"Noise added to the picture, {STEPS} steps, {SCHEDULER}, half of them computed. Mean PSNR in dB (worst) over "
        f"{pictures} pictures: drift not repaid / repaid; square brackets: what the run tells of the picture that "
        "differs most.", "", *table(("", *models), (
            (f"{sampler}, CFG {cfg:g}", *(shown(rows.get((model, sampler, cfg))) for model in models))
            for sampler, cfg in product(SAMPLERS, GUIDANCE)))])


def shown(row: dict | None) -> str:
    """A cell of the table."""
    if row is None:
        return "-"
    scores = " / ".join(f"{row[name]['psnr']:.1f} ({row[name]['worst']:.1f})" for name in ("off", "on"))
    return f"{scores} [{row['told']:.0f}]"


def kept() -> dict:
    """The rows of all models found so far."""
    return all_rows("samplers", "added")


PAGE = Page("samplers_added", markdown, read=kept)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    carry_on(PAGE, __doc__, arguments, measure_model)


def measure_model(stage: Stage, arguments: Sequence[str], fresh: bool) -> None:
    """Measures the rows of a model that are not kept yet, or are of other weights."""
    cells = ({"sampler": sampler, "cfg": cfg} for sampler, cfg in product(SAMPLERS, GUIDANCE))
    add_missing("samplers", "added", stage, arguments, fresh, cells, lambda cell: measured(stage, **cell))
