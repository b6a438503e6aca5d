"""Steps that are computed in part: the error of tokens that are computed without the others, and SADA's whole runs.

`python3 bench/run.py partial`. Three models, 50 Euler steps, guidance 2. The tokens that a line through the full steps
four and eight steps back forecasts worst are computed without the others, and with a coarse grid of the others whose
keys weigh as much as the tokens that they stand for. Then whole runs of SADA, token-wise and not.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import torch
from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.sada import StabilitySchedule

from figures.metrics import psnr
from figures.page import Page
from figures.table import table
from models.stage import MODELS, Course, Stage, Take, open_stage
from partial.worst_tokens import SHARES, STEPS, rows_of

NAMES = {"demo": "demo (FLUX class)", "words": "words (Qwen-Image class)", "balls": "balls (Wan class)"}
# SADA's own settings use its criterion in the steps up to two fifths of the run; or it is used up to the last ones.
STRETCHES = {"as published": {}, "criterion to the end": {"multistep_from": 1.0}}
WAYS = {"computed in full": False, "computed in part": True}


def sada(**knobs: object) -> TapSettings:
    """SADA alone, without what TAP adds. The other tokens of a step computed in part repeat their last result."""
    return TapSettings(given_schedule=StabilitySchedule(**knobs), given_pool=METHODS["SADA"].pool, target="residual",
                       correction="off", trust="full", probe_stride=1)


def errors(stage: Stage, pictures: int) -> list[dict]:
    """A row for each share of the tokens: means over pictures and steps."""
    found = list(rows_of(stage, pictures))
    return [{"model": stage.name, "share": share,
             **{name: mean(row[name] for row in found if row["share"] == share)
                for name in ("with_grid", "forecast", "computed", "grid")}} for share in SHARES]


def whole_runs(stage: Stage, pictures: int) -> list[dict]:
    """A row for each way of SADA: picture by picture, as a batch would decide for all at once."""
    truths = [stage.take(number, Course(STEPS)) for number in range(pictures)]
    return [_runs(stage, truths, stretch, way) for stretch in STRETCHES for way in WAYS]


def _runs(stage: Stage, truths: Sequence[Take], stretch: str, way: str) -> dict:
    settings = sada(**STRETCHES[stretch], token_wise=WAYS[way])
    takes = [stage.take(number, Course(STEPS), settings) for number in range(len(truths))]
    records = [take.record for take in takes]
    return {
        "model": stage.name, "stretch": stretch, "way": way,
        "full": mean(len(record.full_steps) for record in records),
        "part": mean(len(record.part_steps) for record in records),
        "computed": mean(record.steps_computed for record in records),
        "psnr": mean(psnr(take.frames, truth.frames) for take, truth in zip(takes, truths, strict=True)),
        "said": sorted({said for record in records for said in record.fallbacks}),
    }


def markdown(found: dict) -> str:
    """Two tables."""
    first = table(("model", "tokens computed", "a line's error on them", "computed alone", "computed with the grid",
                   "tokens then"), map(_error_cells, found["rows"]))
    second = table(("model", "SADA", "steps that are not stable", "computed in full", "in part", "together",
                    "PSNR, dB"), map(_run_cells, found["runs"]))
    return "\n".join([*first, "", *second])


def _error_cells(row: dict) -> tuple[str, ...]:
    errors = (f"{row[name]:.3f}" for name in ("forecast", "computed", "grid"))
    return NAMES[row["model"]], f"{row['share']:.0%}", *errors, f"{row['with_grid']:.0%}"


def _run_cells(row: dict) -> tuple[str, ...]:
    counts = (f"{row[name]:.1f}" for name in ("full", "part", "computed", "psnr"))
    return NAMES[row["model"]], row["stretch"], row["way"], *counts


PAGE = Page("partial", markdown)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--pictures", type=int, default=4, help="of each model")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found: dict = {"rows": [], "runs": []}
    for name in MODELS:
        stage = open_stage(name)
        found["rows"] += errors(stage, options.pictures)
        found["runs"] += whole_runs(stage, options.pictures)
    PAGE.keep(arguments, found)
