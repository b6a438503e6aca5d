"""Is the picture closer where the drift is repaid, under every sampler, at every guidance, with few steps and many?

`python3 bench/run.py samplers`; it carries on where it was stopped, `--fresh` starts from nothing. Rows go to
bench/results/samplers_MODEL.json. samplers_before_MODEL.json has what repaying did before replay, see before.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path
from statistics import mean

import torch

from figures.page import Page, read_results
from figures.plot import plotted
from figures.table import table
from models.model_rows import parser_of_models
from models.stage import MODELS, open_stage
from samplers import added, again, changed
from samplers.cell_rows import below, key, measure_model
from samplers.cells import COUNTS, SAMPLERS, SHOTS

# Steps and interval of the table of gains.
SHOWN = (20, 2)
# added: models whose noise is added to the picture. again: the same cells with other pictures. changed:
# prompts that change during the run.
PARTS = {"added": added, "again": again, "changed": changed}


def kept() -> dict:
    """The rows of all models found so far. before: of the models that had the same weights then."""
    found = {model: read_results(f"samplers_{model}") for model in MODELS}
    before = {model: read_results(f"samplers_before_{model}") for model in MODELS}
    return {"rows": [row for each in found.values() for row in each["rows"]],
            "before": [row for model in MODELS if before[model].get("weights") == found[model].get("weights")
                       for row in before[model]["rows"]]}


def gain_table(rows: Sequence[dict]) -> list[str]:
    """By sampler: what repaying gains with 10 of 20 steps at CFG 1 and 2; and how many cells keep to the rule."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    gains = {(row["model"], row["sampler"], row["cfg"]): row["on"]["psnr"] - row["off"]["psnr"] for row in rows
             if (row["steps"], row["interval"]) == SHOWN}
    lines = table(("gain in dB at CFG 1 / CFG 2, 10 of 20 steps", *models), (
        (sampler, *(" / ".join(f"{gains[place]:+.1f}" if (place := (model, sampler, cfg)) in gains else "-"
                               for cfg in (1.0, 2.0)) for model in models)) for sampler in SAMPLERS))
    counts = (f"{len(below(some))} of {len(some)}" for model in models
              if (some := [row for row in rows if row["model"] == model]))
    return [*lines, f"| cells in which repaying costs more than the rule allows | {' | '.join(counts)} |"]


def markdown(found: dict) -> str:
    """What repaying gains; then a table a model: mean PSNR (worst) without repaying, as it was, and as it is."""
    before = {key(row): row for row in found["before"]}
    rows = {key(row): row for row in found["rows"]}
    pictures = sum(map(len, SHOTS))
    lines = [*gain_table(found["rows"]), "", f"Mean PSNR in dB (worst) over {pictures} pictures with as many calls: "
             "drift not repaid / repaid as on 2026-11-27 / by replay.", ""]
    for model in dict.fromkeys(row["model"] for row in found["rows"]):
        of_model = [row for row in found["rows"] if row["model"] == model]
        counts = list(dict.fromkeys((row["steps"], row["interval"], row["warmup"]) for row in of_model))
        named = {(row["steps"], row["interval"], row["warmup"]): f"{row['calls']} of {row['steps']}"
                 for row in of_model if row["sampler"] == "euler"}
        lines += table((model, *(named.get(count, count) for count in counts)), (
            (f"{sampler}, CFG {cfg:g}", *(shown(rows.get((model, sampler, cfg, *count)),
                                                before.get((model, sampler, cfg, *count))) for count in counts))
            for sampler, cfg in dict.fromkeys((row["sampler"], row["cfg"]) for row in of_model)))
        lines.append("")
    return "\n".join(lines[:-1])


def shown(row: dict | None, before: dict | None) -> str:
    """A cell of the table."""
    if row is None:
        return ""
    scores = (row["off"], before and before["on"], row["on"])
    return " / ".join(f"{score['psnr']:.1f} ({score['worst']:.1f})" if score else "-" for score in scores)


def plot_gains(found: dict, folder: Path) -> None:
    """What repaying is worth by sampler, as it was and as it is: means over guidance 1 and 2, all models and counts."""
    off = {key(row): row["off"]["psnr"] for row in found["rows"]}
    gains = {label: [(row["sampler"], row["on"]["psnr"] - off[key(row)]) for row in some
                     if row["cfg"] <= 2 and key(row) in off]
             for label, some in (("as on 2026-11-27", found["before"]), ("replay", found["rows"]))}
    with plotted(folder / "samplers.png", figsize=(8, 3.2)) as axes:
        for bar, (label, some) in enumerate(gains.items()):
            of = {name: [gain for sampler, gain in some if sampler == name] for name in SAMPLERS}
            bars = [mean(each) if each else nan for each in of.values()]
            axes.bar([place + 0.4 * (bar - 0.5) for place in range(len(SAMPLERS))], bars, 0.4, label=label)
        axes.set_xticks(range(len(SAMPLERS)), SAMPLERS, rotation=30, ha="right")
        axes.set(ylabel="gain of repaying, dB")
        axes.legend()


PAGE = Page("samplers", markdown, plot_gains, kept)


def run(arguments: Sequence[str]) -> None:
    """The command, or that of one of its parts."""
    if arguments and arguments[0] in PARTS:
        PARTS[arguments[0]].run(arguments[1:])
        return
    parser = parser_of_models(PAGE, __doc__)
    parser.add_argument("--steps", type=int, choices=sorted({count[0] for count in COUNTS}), action="append",
                        help="only runs of so many steps; may be given again")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    for model in options.model or MODELS:
        measure_model(open_stage(model), arguments, SHOTS, options.fresh, steps=options.steps)
    PAGE.show(PAGE.kept())
